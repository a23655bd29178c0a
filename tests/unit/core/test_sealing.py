"""Sealing with a key per purpose, and what earlier keys have sealed."""

import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.derived_keys import MasterKey, Purpose, derive_key
from core.sealing import Sealer, SealError, UnknownSealingKey, key_id_of
from core.settings.readers import read_sealing_keys

FORMER, NEW = bytes(range(32)), MasterKey(range(32, 64))
# As the release before wrote it: with the key itself, in the context `auth:1`.
WRITTEN = bytes.fromhex("57533103" + b"old".hex() + "000102030405060708090a0b") + AESGCM(FORMER).encrypt(
    bytes(range(12)), b"tokens", b"auth:1"
)


def expand(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 of one block without salt, by the letter of RFC 5869."""
    extracted = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


@pytest.mark.parametrize("purpose", [*Purpose, "sealing/auth"])
def test_keys_are_derived_as_the_standard_says(purpose: str):
    assert derive_key(NEW, purpose) == expand(NEW, b"welno/" + purpose.encode())


def test_what_an_earlier_key_has_sealed_opens_beside_the_new_one():
    assert Sealer({"new": NEW, "old": FORMER}).open(WRITTEN, "auth:1") == b"tokens"


def test_sealed_anew_it_needs_the_earlier_key_no_more():
    both = Sealer({"new": NEW, "old": FORMER})
    anew = both.seal(both.open(WRITTEN, "auth:1"), "auth:1")
    assert key_id_of(anew) == "new"
    assert Sealer({"new": NEW}).open(anew, "auth:1") == b"tokens"
    with pytest.raises(UnknownSealingKey):
        Sealer({"new": NEW}).open(WRITTEN, "auth:1")


def test_each_purpose_is_sealed_under_a_key_of_its_own():
    sealed = Sealer({"new": NEW}).seal(b"tokens", "auth:1")
    nonce, ciphertext = sealed[7:19], sealed[19:]
    cipher = AESGCM(expand(NEW, b"welno/sealing/auth"))
    assert cipher.decrypt(nonce, ciphertext, b"auth:1") == b"tokens"
    for other in (bytes(NEW), expand(NEW, b"welno/sealing/totp"), expand(NEW, b"welno/limits")):
        with pytest.raises(InvalidTag):
            AESGCM(other).decrypt(nonce, ciphertext, b"auth:1")


@pytest.mark.parametrize("context", ["auth:2", "identity:1", "auth/1", "auth"])
def test_in_another_context_nothing_opens(context: str):
    sealer = Sealer({"new": NEW})
    with pytest.raises(SealError):
        sealer.open(sealer.seal(b"tokens", "auth:1"), context)


def test_the_setting_says_which_keys_are_derived_from():
    encoded = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
    keys = read_sealing_keys(f"new:hkdf:{encoded},old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    assert (keys, isinstance(keys["new"], MasterKey), isinstance(keys["old"], MasterKey)) == (
        {"new": NEW, "old": FORMER},
        True,
        False,
    )
    with pytest.raises(ValueError, match="twice"):
        read_sealing_keys(f"new:hkdf:{encoded},old:{encoded}")
