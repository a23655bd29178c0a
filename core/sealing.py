"""Authenticated encryption at rest (AES-256-GCM) for files and personal fields, with named keys that can be rotated.

Errors: SealError (not retryable): the bytes were not sealed by us, were changed, or belong to another context.
"""

import base64
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAGIC = b"WS1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealError(Exception):
    """The sealed bytes cannot be opened: damaged, foreign, or sealed for another context."""

    retryable = False


class Sealer:
    """Seals with the first key, opens with any of them.

    Layout: magic, length of the key id, key id, 12-byte nonce, ciphertext with tag.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys.values()):
            message = "sealing needs at least one key of 32 bytes"
            raise ValueError(message)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """`context` says what this is and whose: authenticated, not stored, so bytes moved elsewhere do not open."""
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._current.encode()
        ciphertext = self._ciphers[self._current].encrypt(nonce, plaintext, context.encode())
        return _MAGIC + bytes([len(key_id)]) + key_id + nonce + ciphertext

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises SealError."""
        if sealed[:3] != _MAGIC or len(sealed) < 4 + _NONCE_BYTES:
            raise SealError("not sealed by this product, or truncated")
        nonce_at = 4 + sealed[3]
        key_id = sealed[4:nonce_at].decode("ascii", "replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealError(f"no key named {key_id!r} in WELNO_SEALING_KEYS")
        try:
            return cipher.decrypt(
                sealed[nonce_at : nonce_at + _NONCE_BYTES], sealed[nonce_at + _NONCE_BYTES :], context.encode()
            )
        except (InvalidTag, ValueError) as exc:
            raise SealError("damaged, or sealed for another context") from exc

    def seal_text(self, text: str, context: str) -> str:
        return base64.urlsafe_b64encode(self.seal(text.encode(), context)).decode()

    def open_text(self, sealed: str, context: str) -> str:
        """Raises SealError."""
        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
        except ValueError as exc:
            raise SealError("not base64") from exc
        return self.open(raw, context).decode()
