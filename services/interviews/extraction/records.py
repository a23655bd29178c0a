"""Reads csv and json as a person would: a line per row, words and not their escapes, who speaks before what is said."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from services.interviews.extraction.decoding import decode_text
from services.interviews.extraction.rows import write_rows
from services.interviews.masking.no_names import NAME_HEADS

_SAMPLE_CHARACTERS = 8 * 1024


def read_csv(content: bytes) -> Iterator[str]:
    """Its cells parted by tabs."""
    text = decode_text(content)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:_SAMPLE_CHARACTERS], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        yield from write_rows(csv.reader(io.StringIO(text), dialect))
    except csv.Error:  # a cell that is longer than the module takes, or quotes that never end
        yield text


def read_json_records(content: bytes) -> Iterator[str]:
    """What is no JSON is read as it stands."""
    text = decode_text(content)
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except ValueError:
        yield text
        return
    yield from _lines_of(value)


def _lines_of(value: Any) -> Iterator[str]:
    """On a stack of its own: it may be nested as deep as the parser takes."""
    waiting = [("", value)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            speaker = next((key for key in one if key.casefold() in NAME_HEADS and isinstance(one[key], str)), None)
            rest = [(key, inner) for key, inner in one.items() if key != speaker]
            if speaker is not None:
                said = [f"{inner}" for _, inner in rest if isinstance(inner, str | int | float)]
                yield f"{one[speaker]}: {' '.join(said)}"
                rest = [(key, inner) for key, inner in rest if isinstance(inner, dict | list)]
            waiting.extend(reversed(rest))
        elif isinstance(one, list):
            waiting.extend((name, inner) for inner in reversed(one))
        elif one is not None:
            yield f"{name}: {one}" if name else f"{one}"
