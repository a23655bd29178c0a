"""The length of larger things in chunks, on the vectors that both sides share."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.base64url import decode_bytes
from services.threads.blob_chunks import sealed_length
from services.threads.encoding import hash_bytes
from tests.thread_blobs import BlobChunks

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors" / "threads-vectors.json").read_text(encoding="utf-8")
)
TOLD = VECTORS["blob"]
CHUNKS = BlobChunks(VECTORS["thread"]["threadId"], TOLD["blobId"], TOLD["chunkBytes"])
KEY, CONTENT, SEALED = (decode_bytes(TOLD[name]) or b"" for name in ("key", "content", "sealed"))


def test_the_vectors_content_gives_its_sealed_bytes():
    assert CHUNKS.seal(KEY, CONTENT) == SEALED
    assert hash_bytes(SEALED) == TOLD["sealedHash"]
    assert len(SEALED) == sealed_length(len(CONTENT), CHUNKS.chunk_bytes)


def test_the_vectors_sealed_bytes_give_their_content():
    assert CHUNKS.open(KEY, SEALED) == CONTENT
    assert len(CONTENT) > 2 * CHUNKS.chunk_bytes


@pytest.mark.parametrize("length", [0, 1, 199, 200, 201, 400, 401])
def test_every_length_opens_again(length: int):
    content = bytes(range(256)) * 2
    sealed = CHUNKS.seal(KEY, content[:length])
    assert len(sealed) == sealed_length(length, CHUNKS.chunk_bytes)
    assert CHUNKS.open(KEY, sealed) == content[:length]
