"""Authenticated encryption at rest (AES-256-GCM) for files and personal fields, with named keys that can be rotated.

Errors:
SealError                       not sealed by us, changed, or of another context: no later try opens it
    UnknownSealingKey (retryable) whole, as far as can be told, and sealed with a key that this process was not given
"""

import base64
import hmac
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.derived_keys import KEY_BYTES, MasterKey, derive_key, purpose_of

_MAGIC = b"WS1"
_NONCE_BYTES = 12
# Nothing is sealed under another id, so whatever else stands there is damage.
KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
HEADER_BYTES = 4 + 64


class SealError(Exception):
    """The sealed bytes cannot be opened: damaged, foreign, or sealed for another context."""

    retryable = False


class UnknownSealingKey(SealError):
    """No damage: another process may know the key, or this one after its next start. `key_id` is no secret."""

    retryable = True
    reason = "sealing_key_unknown"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key named {key_id!r} in WELNO_SEALING_KEYS")
        self.key_id = key_id


def key_id_of(sealed: bytes) -> str | None:
    """The id of the key that sealed this; its first `HEADER_BYTES` suffice. None when it is not of our making."""
    if sealed[:3] != _MAGIC or len(sealed) < 4 + (sealed[3] if len(sealed) > 3 else 0):
        return None
    key_id = sealed[4 : 4 + sealed[3]].decode("ascii", "replace")
    return key_id if KEY_ID.fullmatch(key_id) else None


def key_id_of_text(sealed: str) -> str | None:
    """The same of what `seal_text` gave."""
    try:
        return key_id_of(base64.urlsafe_b64decode(sealed.encode()))
    except ValueError:
        return None


class Sealer:
    """Seals with the first key, opens with any of them.

    Of a `MasterKey` each purpose has a key of its own: an answer in the spool and a second factor share none. Others
    are used as they are. Layout: magic, length of the key id, key id, 12-byte nonce, ciphertext with tag.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            message = "sealing needs at least one key of 32 bytes"
            raise ValueError(message)
        self._keys = dict(keys)
        self._ciphers: dict[tuple[str, str], AESGCM] = {}
        self._current = next(iter(keys))

    @property
    def current_key_id(self) -> str:
        """Of the key that seals."""
        return self._current

    @property
    def key_ids(self) -> frozenset[str]:
        """Of all keys that open."""
        return frozenset(self._keys)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """`context` says what this is and whose: authenticated, not stored, so bytes moved elsewhere do not open."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._current.encode()
        ciphertext = self._cipher(self._current, context).encrypt(nonce, plaintext, context.encode())
        return _MAGIC + bytes([len(key_id)]) + key_id + nonce + ciphertext

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises SealError, UnknownSealingKey."""
        key_id = key_id_of(sealed)
        if key_id is None:
            raise SealError("not sealed by this product, or truncated")
        if key_id not in self._keys:
            raise UnknownSealingKey(key_id)
        cipher = self._cipher(key_id, context)
        nonce_at = 4 + sealed[3]
        try:
            return cipher.decrypt(
                sealed[nonce_at : nonce_at + _NONCE_BYTES], sealed[nonce_at + _NONCE_BYTES :], context.encode()
            )
        except (InvalidTag, ValueError) as exc:
            raise SealError("damaged, or sealed for another context") from exc

    def tags(self, text: str, purpose: str) -> list[str]:
        """What stands for a text where the text itself may not: one of each key, the one that seals first. Without the
        keys nobody can tell what it stands for."""
        return [_tag(derive_key(key, f"tag/{purpose}"), text) for key in self._keys.values()]

    def _cipher(self, key_id: str, context: str) -> AESGCM:
        """Purposes are few, and named by our own code: what is kept here stays small."""
        key = self._keys[key_id]
        purpose = purpose_of(context) if isinstance(key, MasterKey) else ""
        cipher = self._ciphers.get((key_id, purpose))
        if cipher is None:
            cipher = self._ciphers[key_id, purpose] = AESGCM(derive_key(key, purpose) if purpose else key)
        return cipher

    def cipher_of_text(self, key_id: str, context: str, salt: bytes) -> AESGCM:
        """Of one text alone, for `core.sealing_pieces`. Raises UnknownSealingKey."""
        key = self._keys.get(key_id)
        if key is None:
            raise UnknownSealingKey(key_id)
        secret = derive_key(key, purpose_of(context)) if isinstance(key, MasterKey) else key
        return AESGCM(derive_key(secret, f"pieces/{salt.hex()}"))

    def seal_text(self, text: str, context: str) -> str:
        return base64.urlsafe_b64encode(self.seal(text.encode(), context)).decode()

    def open_text(self, sealed: str, context: str) -> str:
        """Raises SealError, UnknownSealingKey."""
        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
        except ValueError as exc:
            raise SealError("not base64") from exc
        return self.open(raw, context).decode()


def _tag(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()
