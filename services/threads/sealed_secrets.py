"""The secret of a generation: sealed to devices by HPKE (RFC 9180), opened, and what is derived of it."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.base64url import decode_bytes, encode_bytes
from services.threads.signing import KEY_BYTES
from services.threads.texts import check_info, message_info, wrap_info

SECRET_BYTES = 32
_CHECK_BYTES = 16
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal_secret(secret: bytes, kem_key: str, thread_id: str, kid: str, device_id: str) -> str:
    """To one device, whose key was checked when it registered."""
    public = X25519PublicKey.from_public_bytes(decode_bytes(kem_key, KEY_BYTES) or b"")
    return encode_bytes(_SUITE.encrypt(secret, public, info=wrap_info(thread_id, kid, device_id)))


def open_secret(
    private: X25519PrivateKey, wrapped: str, check: str, *, thread_id: str, kid: str, device_id: str
) -> bytes | None:
    """None for what was sealed to another device, or is none of the secret with this check: a member gave it."""
    try:
        secret = _SUITE.decrypt(decode_bytes(wrapped) or b"", private, info=wrap_info(thread_id, kid, device_id))
    except (InvalidTag, ValueError):
        return None
    return bytes(secret) if make_check(secret, thread_id, kid) == check else None


def make_check(secret: bytes, thread_id: str, kid: str) -> str:
    """By which devices see that they hold the same secret."""
    return encode_bytes(_derive(secret, check_info(thread_id, kid), _CHECK_BYTES))


def derive_message_key(secret: bytes, thread_id: str, kid: str, client_id: str) -> bytes:
    """Each device has one of its own, so that no two share an iv."""
    return _derive(secret, message_info(thread_id, kid, client_id), KEY_BYTES)


def _derive(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, None, info).derive(secret)
