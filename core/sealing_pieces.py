"""Authenticated encryption of what is too long to be held whole: in pieces of 1 MiB, numbered, the last one marked.

Layout: magic, length of the key id, key id, 16-byte salt; then the pieces, each with its tag. Each text has a key of
its own, derived from the sealing key by the salt (HKDF), so a nonce is the piece's number and whether it is the last:
pieces that are missing, moved, repeated or of another text do not open (STREAM, Hoang and others 2015).
"""

import os
from collections.abc import Callable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.sealing import KEY_ID, Sealer, SealError

PIECE_BYTES = 1024 * 1024
_MAGIC = b"WP1"
_SALT_BYTES, _TAG_BYTES, _NUMBER_BYTES = 16, 16, 11
_KEY_ID_MAX = 64
HEADER_BYTES = len(_MAGIC) + 1 + _KEY_ID_MAX


class PieceSealer:
    """Takes a text as it comes; gives sealed bytes as soon as they are certain."""

    def __init__(self, sealer: Sealer, context: str) -> None:
        salt, key_id = os.urandom(_SALT_BYTES), sealer.current_key_id
        self._cipher = sealer.cipher_of_text(key_id, context, salt)
        self._context = context.encode()
        self._header = _MAGIC + bytes([len(key_id)]) + key_id.encode() + salt
        self._rest = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> bytes:
        """A whole piece is held back until more follows: it may be the last."""
        self._rest += data
        sealed = bytearray()
        while len(self._rest) > PIECE_BYTES:
            sealed += self._seal(bytes(self._rest[:PIECE_BYTES]), is_last=False)
            del self._rest[:PIECE_BYTES]
        return bytes(sealed)

    def finish(self) -> bytes:
        """The last piece, which may be empty."""
        return self._seal(bytes(self._rest), is_last=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), piece, self._context)
        header = self._header if self._number == 0 else b""
        self._number += 1
        return header + sealed


def open_pieces(sealer: Sealer, read: Callable[[int], bytes], context: str) -> Iterator[bytes]:
    """The pieces, in order; `read` may give less than asked for, and nothing at the end.

    Raises SealError, UnknownSealingKey: also after pieces that were whole, so nobody may use them before the end.
    """
    cipher = _read_header(sealer, read, context)
    number, piece = 0, _read_exactly(read, PIECE_BYTES + _TAG_BYTES)
    while True:
        following = _read_exactly(read, PIECE_BYTES + _TAG_BYTES)
        is_last = not following
        try:
            yield cipher.decrypt(_nonce(number, is_last=is_last), piece, context.encode())
        except (InvalidTag, ValueError) as exc:
            raise SealError("damaged, cut, or sealed for another context") from exc
        if is_last:
            return
        number, piece = number + 1, following


def key_id_of_pieces(beginning: bytes) -> str | None:
    """The id of the key that sealed this; its first `HEADER_BYTES` suffice. None when it is not of our making."""
    if beginning[: len(_MAGIC)] != _MAGIC or len(beginning) <= len(_MAGIC):
        return None
    key_id = beginning[len(_MAGIC) + 1 :][: beginning[len(_MAGIC)]].decode("ascii", "replace")
    return key_id if KEY_ID.fullmatch(key_id) else None


def _read_header(sealer: Sealer, read: Callable[[int], bytes], context: str) -> AESGCM:
    start = _read_exactly(read, len(_MAGIC) + 1)
    if start[: len(_MAGIC)] != _MAGIC or len(start) <= len(_MAGIC):
        raise SealError("not sealed by this product, or truncated")
    key_id = _read_exactly(read, start[-1]).decode("ascii", "replace")
    salt = _read_exactly(read, _SALT_BYTES)
    if not KEY_ID.fullmatch(key_id) or len(salt) < _SALT_BYTES:
        raise SealError("not sealed by this product, or truncated")
    return sealer.cipher_of_text(key_id, context, salt)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([is_last])


def _read_exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """Less only at the end."""
    parts, missing = [], size
    while missing and (part := read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
