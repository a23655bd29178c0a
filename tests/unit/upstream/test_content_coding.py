"""A coded body is decoded within a bound that is counted as it grows, however often it was coded."""

import gzip
import os
import time
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
        ("gzip", gzip.compress(TEXT[:40], mtime=0) + bytes(40_000) + gzip.compress(TEXT[40:], mtime=0) + bytes(40_000)),
        ("gzip", b"".join(gzip.compress(TEXT[at : at + 1], mtime=0) for at in range(len(TEXT)))),
        ("gzip", b""),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
)
def test_a_coded_body_is_decoded(coding: str, body: bytes):
    assert decode_body({"content-encoding": coding}, body, MIB) == (TEXT if body else b"")


def test_a_body_of_many_pieces_is_decoded_whole():
    text = os.urandom(3 * MIB) + bytes(3 * MIB)
    body = gzip.compress(text, compresslevel=1, mtime=0)
    assert decode_body({"content-encoding": "gzip"}, body + body, 16 * MIB) == text + text


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_members_without_end_are_stopped_before_they_cost_much(coding: str):
    empty = {"gzip": gzip.compress(b"", mtime=0), "deflate": raw_deflate(b"")}[coding]
    began = time.process_time()
    with pytest.raises(UnreadableCoding, match="too_large"):
        decode_body({"Content-Encoding": coding}, empty * (2 * MIB // len(empty)), MIB)
    assert time.process_time() - began < 1


def test_what_is_left_of_a_long_member_is_not_copied_for_each_piece():
    body = gzip.compress(bytes(range(256)) * 4 * 1024 * 96, compresslevel=0, mtime=0)
    began = time.process_time()
    assert len(decode_body({"Content-Encoding": "gzip"}, body, 128 * MIB)) == 96 * MIB
    assert time.process_time() - began < 3


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
