"""A client's half of larger things in threads, for tests: encrypted in chunks under a key of their own, each of which
says its place and whether it is the last."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.threads.blob_chunks import TAG_BYTES
from tests.thread_devices import joined

_NUMBER_BYTES = 11


@dataclass(frozen=True, slots=True)
class BlobChunks:
    """One blob of one thread; `chunk_bytes` are those of a whole chunk before it is encrypted."""

    thread_id: str
    blob_id: str
    chunk_bytes: int

    def seal(self, key: bytes, content: bytes) -> bytes:
        cipher = AESGCM(key)
        return b"".join(
            cipher.encrypt(nonce, chunk, self._aad) for nonce, chunk in _numbered(content, self.chunk_bytes)
        )

    def open(self, key: bytes, sealed: bytes) -> bytes:
        """Raises InvalidTag."""
        cipher, length = AESGCM(key), self.chunk_bytes + TAG_BYTES
        return b"".join(cipher.decrypt(nonce, chunk, self._aad) for nonce, chunk in _numbered(sealed, length))

    @property
    def _aad(self) -> bytes:
        return joined("welno.blob.v1", self.thread_id, self.blob_id, str(self.chunk_bytes))


def _numbered(data: bytes, length: int) -> Iterator[tuple[bytes, bytes]]:
    """Chunks with their nonces."""
    starts = range(0, max(1, len(data)), length)
    for number, start in enumerate(starts):
        is_last = number == len(starts) - 1
        yield number.to_bytes(_NUMBER_BYTES) + bytes([is_last]), data[start : start + length]
