"""A coded body is decoded within a bound that is counted as it grows, however often it was coded."""

import gzip
import time
import tracemalloc
import zlib

import pytest

from upstream.http.content_coding import UnreadableCoding, decode_body

TEXT = b'{"Status": "OK"}' * 100
MIB = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("X-GZIP", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:40], mtime=0) + gzip.compress(TEXT[40:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
)
def test_a_coded_body_is_decoded(coding: str, body: bytes):
    assert decode_body({"content-encoding": coding}, body, MIB) == TEXT


def test_a_few_bytes_that_become_gigabytes_are_stopped_at_the_bound():
    once = gzip.compress(bytes(64 * MIB))
    bomb = gzip.compress(once, mtime=0)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(UnreadableCoding, match="too_large"):
        decode_body({"Content-Encoding": "gzip, gzip"}, bomb, 4 * MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * MIB
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        ("gzip", b"no gzip", "damaged_coding"),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-12], "damaged_coding"),
        ("br", b"", "unknown_coding"),
        (", ".join(["gzip"] * 5), b"", "unknown_coding"),
    ],
)
def test_what_cannot_be_decoded_says_why(coding: str, body: bytes, reason: str):
    with pytest.raises(UnreadableCoding, match=reason):
        decode_body({"Content-Encoding": coding}, body, MIB)
