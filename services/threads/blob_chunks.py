"""How larger things are encrypted: in chunks under a key of their own, each of which says its place and whether it is
the last, so that none can be changed, swapped, left out or cut off unseen."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.threads.texts import blob_text

CHUNK_BYTES, TAG_BYTES = 65_536, 16
_NUMBER_BYTES = 11


class ChangedBlob(Exception):
    """What came is not what was encrypted. `chunk` is the first that does not open, from 0."""

    retryable = False

    def __init__(self, chunk: int) -> None:
        super().__init__(f"chunk {chunk}")
        self.chunk = chunk


@dataclass(frozen=True, slots=True)
class BlobChunks:
    """One blob of one thread; `chunk_bytes` are those of a whole chunk before it is encrypted."""

    thread_id: str
    blob_id: str
    chunk_bytes: int = CHUNK_BYTES

    def seal(self, key: bytes, content: bytes) -> bytes:
        """The key is for this content alone: nonces are counted."""
        parts = list(_cut(content, self.chunk_bytes))
        last = len(parts) - 1
        cipher = AESGCM(key)
        return b"".join(
            cipher.encrypt(_nonce(at, is_last=at == last), part, self._aad) for at, part in enumerate(parts)
        )

    def open(self, key: bytes, sealed: bytes) -> bytes:
        """Raises ChangedBlob."""
        parts = list(_cut(sealed, self.chunk_bytes + TAG_BYTES))
        last = len(parts) - 1
        return b"".join(self._open_one(key, at, part, is_last=at == last) for at, part in enumerate(parts))

    def _open_one(self, key: bytes, at: int, sealed: bytes, *, is_last: bool) -> bytes:
        try:
            return AESGCM(key).decrypt(_nonce(at, is_last=is_last), sealed, self._aad)
        except InvalidTag as exc:
            raise ChangedBlob(at) from exc

    @property
    def _aad(self) -> bytes:
        return blob_text(self.thread_id, self.blob_id, self.chunk_bytes)


def sealed_length(content_bytes: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """What so many bytes take when they are encrypted; nothing is one empty chunk."""
    return content_bytes + TAG_BYTES * max(1, -(-content_bytes // chunk_bytes))


def _cut(data: bytes, length: int) -> Iterator[bytes]:
    return (data[at : at + length] for at in range(0, max(1, len(data)), length))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES) + bytes([is_last])
