"""Reads csv and json as a person would: a line per row, words and not their escapes, who speaks before what is said."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from services.interviews.extraction.decoding import decode_text
from services.interviews.extraction.rows import write_rows
from services.interviews.masking.labelled_numbers import kind_of_label
from services.interviews.masking.no_names import NAME_HEADS

_SAMPLE_CHARACTERS = 8 * 1024


def read_csv(content: bytes) -> Iterator[str]:
    """Its cells parted by tabs."""
    text = decode_text(content).replace("\r\n", "\n").replace("\r", "\n")
    try:
        dialect: Any = csv.Sniffer().sniff(text[:_SAMPLE_CHARACTERS], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    csv.field_size_limit(len(text) + 1)
    return write_rows(_parse_csv(text, dialect))


def _parse_csv(text: str, dialect: Any) -> list[list[str]]:
    """As a whole, before the first row is told. Where quotes are not as they should be, in the way that gives more rows
    as many cells as the first has: with quotes within quotes, or each line by itself, as one may never be closed."""

    def parse(lines: Iterable[str], *, is_strict: bool = False) -> list[list[str]]:
        return list(csv.reader(lines, dialect, doublequote=True, strict=is_strict))

    try:
        return parse(io.StringIO(text), is_strict=True)
    except csv.Error:
        by_line = [row for line in text.split("\n") for row in parse([line]) or [[]]]
        return max(by_line, parse(io.StringIO(text)), key=_share_of_whole_rows)


def _share_of_whole_rows(rows: list[list[str]]) -> float:
    filled = [len(row) for row in rows if row]
    return filled.count(filled[0]) / len(filled) if filled else 0


def read_json_records(content: bytes) -> Iterator[str]:
    """Of JSON Lines, each line; what is no JSON is read as it stands, such as a line that was cut."""
    text = decode_text(content).lstrip("\ufeff")
    whole = _parse_json(text)
    if whole:
        yield from _lines_of(whole[0])
        return
    for line in io.StringIO(text, newline="\n"):  # by no other sign: U+2028 may stand within a string
        if line := line.strip("\r\n"):
            parsed = _parse_json(line)
            yield from _lines_of(parsed[0]) if parsed else [line]


def _parse_json(text: str) -> tuple[Any] | None:
    """None where it is none, as JSON's own null is a value."""
    try:
        return (json.loads(text),)
    except ValueError:
        return None


def _lines_of(value: Any) -> Iterator[str]:
    """On a stack of its own: it may be nested as deep as the parser takes."""
    waiting = [("", value)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            speaker = next((key for key in one if key.casefold() in NAME_HEADS and isinstance(one[key], str)), None)
            rest = [(key, inner) for key, inner in one.items() if key != speaker]
            if speaker is not None:
                said = [_told(key, inner) for key, inner in rest if isinstance(inner, str | int | float)]
                yield f"{one[speaker]}: {' '.join(said)}"
                rest = [(key, inner) for key, inner in rest if isinstance(inner, dict | list)]
            waiting.extend(reversed(rest))
        elif isinstance(one, list):
            waiting.extend((name, inner) for inner in reversed(one))
        elif one is not None:
            yield f"{name}: {one}" if name else f"{one}"


def _told(name: str, value: str | float) -> str:
    """With its name where that alone says what a number is: as a quantity it has lost the noughts it begins with."""
    return f"{value}" if isinstance(value, str) or kind_of_label(name) is None else f"{name}: {value}"
