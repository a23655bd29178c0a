"""Finds the people whom a table names: in the columns that its head says hold names or speakers, and in cells of their
own that come again; and those whom a record (JSON's lines in a log, a file that was cut) names under such a head.

A row is a line; its cells are parted by tabs, as the extraction writes them, or by Markdown's bars.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from services.interviews.masking.family_names import COMPOUND_FAMILIES, FAMILIES
from services.interviews.masking.no_names import LABELS, NAME_HEADS, NO_NAMES
from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import Span

_NAME = re.compile(r"[가-힣]{2,5}|[A-Z][A-Za-z]{1,15}(?: [A-Z][A-Za-z]{1,15})?")
_FULL = re.compile(rf"(?:{'|'.join(COMPOUND_FAMILIES)}|[{FAMILIES}])[가-힣]{{2}}")
# Whoever speaks within a cell: its line ends are blanks.
_SPEAKER = re.compile(rf"(?<!\S)({_FULL.pattern})(?:[ ]?(?:님|씨))?[ ]?[:：]")
# With backslashes before the quotes within a string of JSON.
_QUOTE = r"""\\{0,7}["']"""
_RECORDED = re.compile(
    rf"""({_QUOTE})(?P<head>[^"'\\\n]{{1,20}})\1[ ]?:[ ]{{0,3}}"""
    rf"""({_QUOTE})(?P<name>{_NAME.pattern})(?:[ ]?(?:님|씨))?\3"""
)
_CELL = re.compile(r"[^\t|\n]+")
_BARS_OF_A_ROW = 2
_AGAIN = 2
# Subtotals, a sheet's name, half a cell: the columns go on below them. More than these are a text between two tables.
_MOST_LINES_BETWEEN_ROWS = 5


def find_in_tables(text: str) -> Iterator[Span]:
    """Nothing in a text without rows."""
    separators = [separator for separator in "\t|" if separator in text]
    if separators:
        counted = Counter(cell.strip() for cell in _CELL.findall(text))
        for separator in separators:
            yield from _find_in_rows(text, separator, counted)


def find_in_records(text: str) -> Iterator[Span]:
    """In `"speaker": "김하늘"`, wherever it stands."""
    for match in _RECORDED.finditer(text):
        if _is_head(match["head"]) and _may_be_name(match["name"]):
            yield Span(match.start("name"), match.end("name"), MaskedKind.NAME, match["name"])


def _find_in_rows(text: str, separator: str, counted: Counter[str]) -> Iterator[Span]:
    """A row without a head of its own has that of the rows above, also below blank lines."""
    columns: frozenset[int] = frozenset()
    is_below_head, between, at = False, 0, 0
    for line in text.split("\n"):
        if _is_row(line, separator):
            cells = line.split(separator)
            if not is_below_head:
                columns = _name_columns(cells, columns)
            # A title over the whole table is no head.
            is_below_head, between = is_below_head or sum(bool(cell.strip()) for cell in cells) > 1, 0
            yield from _find_in_row(cells, at, columns, counted)
        else:
            is_below_head, between = False, between + bool(line.strip())
            columns = columns if between <= _MOST_LINES_BETWEEN_ROWS else frozenset()
        at += len(line) + 1


def _is_row(line: str, separator: str) -> bool:
    return separator in line and (separator == "\t" or ("\t" not in line and line.count("|") >= _BARS_OF_A_ROW))


def _name_columns(row: Sequence[str], above: frozenset[int]) -> frozenset[int]:
    """Those of the row if it is a head, else those of the table above; both where it may be either (진행자, 담당자)."""
    cells = [cell.strip() for cell in row]
    own = frozenset(number for number, cell in enumerate(cells) if _is_head(cell))
    under_above = [cells[number] for number in above if number < len(cells)]
    if not own or any(_FULL.fullmatch(cell) and _may_be_name(cell) for cell in under_above):
        return above
    return own | above if any(cell.casefold() in LABELS for cell in under_above) else own


def _find_in_row(cells: list[str], at: int, columns: frozenset[int], counted: Counter[str]) -> Iterator[Span]:
    for number, cell in enumerate(cells):
        name = cell.strip()
        is_full = _FULL.fullmatch(name) is not None
        # Of a row with a head of its own: 성명, 김하늘.
        is_told = is_full and number > 0 and _is_head(cells[number - 1])
        is_named = number in columns or is_told or (is_full and counted[name] >= _AGAIN)
        if is_named and _may_be_name(name):
            begin = at + cell.index(name)
            yield Span(begin, begin + len(name), MaskedKind.NAME, name)
        for match in _SPEAKER.finditer(cell):
            if _may_be_name(match[1]):
                yield Span(at + match.start(1), at + match.end(1), MaskedKind.NAME, match[1])
        at += len(cell) + 1


def _is_head(cell: str) -> bool:
    """성 명, too: forms spread their heads."""
    return "".join(cell.split()).casefold() in NAME_HEADS


def _may_be_name(cell: str) -> bool:
    is_word = cell in NO_NAMES or cell in LABELS or cell.casefold() in LABELS or _is_head(cell)
    return _NAME.fullmatch(cell) is not None and not is_word
