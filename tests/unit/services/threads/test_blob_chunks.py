"""Larger things in chunks, on the vectors that both sides share; whatever is done to one is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.base64url import decode_bytes
from services.threads.blob_chunks import TAG_BYTES, BlobChunks, ChangedBlob, sealed_length
from services.threads.encoding import hash_bytes

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors" / "threads-vectors.json").read_text(encoding="utf-8")
)
TOLD = VECTORS["blob"]
CHUNKS = BlobChunks(VECTORS["thread"]["threadId"], TOLD["blobId"], TOLD["chunkBytes"])
KEY, CONTENT, SEALED = (decode_bytes(TOLD[name]) or b"" for name in ("key", "content", "sealed"))
WHOLE = CHUNKS.chunk_bytes + TAG_BYTES
ONE, OTHER = SEALED[:WHOLE], SEALED[WHOLE : 2 * WHOLE]


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


@pytest.mark.parametrize(
    ("changed", "chunk"),
    [
        pytest.param(bytes([SEALED[0] ^ 1]) + SEALED[1:], 0, id="a bit of the first"),
        pytest.param(SEALED[:-1] + bytes([SEALED[-1] ^ 1]), len(SEALED) // WHOLE, id="a bit of the last"),
        pytest.param(OTHER + ONE + SEALED[2 * WHOLE :], 0, id="two swapped"),
        pytest.param(ONE + ONE + SEALED[2 * WHOLE :], 1, id="one twice"),
        pytest.param(OTHER + SEALED[2 * WHOLE :], 0, id="the first left out"),
        pytest.param(ONE + SEALED[2 * WHOLE :], 1, id="one in the middle left out"),
        pytest.param(SEALED[: 2 * WHOLE], 1, id="the last cut off"),
        pytest.param(ONE, 0, id="all but the first cut off"),
        pytest.param(SEALED[:-5], len(SEALED) // WHOLE, id="cut within the last"),
        pytest.param(SEALED + ONE, len(SEALED) // WHOLE, id="something behind"),
        pytest.param(b"", 0, id="nothing"),
    ],
)
def test_a_changed_swapped_or_cut_chunk_is_refused(changed: bytes, chunk: int):
    with pytest.raises(ChangedBlob) as refused:
        CHUNKS.open(KEY, changed)
    assert refused.value.chunk == chunk


@pytest.mark.parametrize(
    "other",
    [
        BlobChunks("A" * 22, TOLD["blobId"], TOLD["chunkBytes"]),
        BlobChunks(CHUNKS.thread_id, "00000000-0000-4000-8000-000000000000", TOLD["chunkBytes"]),
        BlobChunks(CHUNKS.thread_id, TOLD["blobId"], TOLD["chunkBytes"] + 1),
    ],
    ids=["thread", "blob", "length of chunks"],
)
def test_what_was_sealed_for_another_place_does_not_open(other: BlobChunks):
    with pytest.raises(ChangedBlob):
        other.open(KEY, SEALED)
