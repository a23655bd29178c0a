"""Finds the people whom a table names: in the columns that its head says hold names or speakers, and in cells of their
own that come again.

A row is a line; its cells are parted by tabs, as the extraction writes them, or by Markdown's bars.
"""

import re
from collections import Counter
from collections.abc import Iterator

from services.interviews.masking.family_names import COMPOUND_FAMILIES, FAMILIES
from services.interviews.masking.no_names import LABELS, NAME_HEADS, NO_NAMES
from services.interviews.masking.spans import MaskedKind, Span

_NAME = re.compile(r"[가-힣]{2,5}|[A-Z][A-Za-z]{1,15}(?: [A-Z][A-Za-z]{1,15})?")
_FULL = re.compile(rf"(?:{'|'.join(COMPOUND_FAMILIES)}|[{FAMILIES}])[가-힣]{{2}}")
_CELL = re.compile(r"[^\t|\n]+")
_BARS_OF_A_ROW = 2
_AGAIN = 2


def find_in_tables(text: str) -> Iterator[Span]:
    """Nothing in a text without rows."""
    if "\t" not in text and "|" not in text:
        return
    counted = Counter(cell.strip() for cell in _CELL.findall(text))
    columns: frozenset[int] = frozenset()
    separator, at = "", 0
    for line in text.split("\n"):
        found = _separator_of(line)
        if found and not separator:
            columns = _name_columns(line, found)
        separator = found
        if found:
            yield from _find_in_row(line.split(found), at, columns, counted)
        at += len(line) + 1


def _separator_of(line: str) -> str:
    """Empty for what is no row."""
    if "\t" in line:
        return "\t"
    return "|" if line.count("|") >= _BARS_OF_A_ROW else ""


def _name_columns(head: str, separator: str) -> frozenset[int]:
    cells = [cell.strip().casefold() for cell in head.split(separator)]
    return frozenset(number for number, cell in enumerate(cells) if cell in NAME_HEADS)


def _find_in_row(cells: list[str], at: int, columns: frozenset[int], counted: Counter[str]) -> Iterator[Span]:
    for number, cell in enumerate(cells):
        name = cell.strip()
        is_named = number in columns or (_FULL.fullmatch(name) is not None and counted[name] >= _AGAIN)
        if is_named and _may_be_name(name):
            begin = at + cell.index(name)
            yield Span(begin, begin + len(name), MaskedKind.NAME, name)
        at += len(cell) + 1


def _may_be_name(cell: str) -> bool:
    is_word = cell in NO_NAMES or cell in LABELS or cell.casefold() in LABELS or cell.casefold() in NAME_HEADS
    return _NAME.fullmatch(cell) is not None and not is_word
