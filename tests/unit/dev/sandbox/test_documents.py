"""Bytes written by hand: the pill pictures and the report's PDF."""

import re
import struct
import zlib

import pytest

from dev.sandbox.images import draw_pill, encode_pill
from dev.sandbox.pdf import write_pdf


def chunks(png):
    at = 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + data)
        yield kind, data
        at += size + 12


@pytest.mark.parametrize("size", [200, 512, 100_000])
def test_a_picture_has_exactly_the_size_asked_for(size):
    assert len(draw_pill((1, 2, 3), size)) == size


@pytest.mark.parametrize("size", [0, 1, 300])
def test_a_picture_is_a_valid_png(size):
    png = draw_pill((10, 20, 30), size)
    parts = dict(chunks(png))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert zlib.decompress(parts[b"IDAT"])[1:4] == bytes((10, 20, 30))
    assert list(parts)[-1] == b"IEND"


def test_no_size_means_no_picture():
    assert encode_pill((1, 2, 3), 0) == ""


def test_every_offset_of_the_pdf_points_to_its_object():
    pdf = write_pdf("Report (one)", ["a line", "back\\slash"])
    table = int(re.search(rb"startxref\n(\d+)\n", pdf)[1])
    offsets = re.findall(rb"(\d{10}) 00000 n ", pdf[table:])
    assert len(offsets) == 5
    for number, offset in enumerate(offsets, start=1):
        assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)


def test_the_stream_of_the_pdf_has_the_length_it_says():
    pdf = write_pdf("Title", ["(brackets)"])
    length, stream = re.search(rb"/Length (\d+) >>\nstream\n(.*)endstream", pdf, re.DOTALL).groups()
    assert int(length) == len(stream)
    assert b"\\(brackets\\)" in stream
