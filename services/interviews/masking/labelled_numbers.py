"""Finds numbers that only a label makes known, a column's header or the word before: spreadsheets and JSON take the
number of a phone or a resident for a quantity, and drop the noughts that it begins with. Looks at folded text alone.
"""

import re
from collections.abc import Iterator

from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import Span

_PHONE = r"연락처|전화|휴대폰|휴대 ?전화|핸드폰|폰 ?번호|모바일|팩스|phone|mobile|contact|\btel\b|\bcell|\bhp\b|\bfax\b"
_RESIDENT = r"주민 ?(?:등록 ?)?번호|외국인 ?(?:등록 ?)?번호|\brrn\b"
_LABELS = {
    MaskedKind.PHONE: re.compile(_PHONE, re.IGNORECASE),
    MaskedKind.RESIDENT: re.compile(_RESIDENT, re.IGNORECASE),
    MaskedKind.CARD: re.compile(r"카드 ?번호|card ?(?:no|number)", re.IGNORECASE),
    MaskedKind.ACCOUNT: re.compile(r"계좌|account ?(?:no|number)", re.IGNORECASE),
}
_LONGEST_LABEL = 20
# A spreadsheet may keep them as fractions.
_FRACTION = r"(?:\.0)?"
_CELLS = {
    MaskedKind.PHONE: re.compile(rf"(\d{{8,12}}){_FRACTION}"),
    MaskedKind.RESIDENT: re.compile(rf"(\d{{9,13}}|\d{{3,6}}-\d{{7}}){_FRACTION}"),
    MaskedKind.CARD: re.compile(rf"(\d{{13,16}}){_FRACTION}"),
    MaskedKind.ACCOUNT: re.compile(rf"(\d{{8,16}}){_FRACTION}"),
}
# In the same line, or alone in the next one, as forms are pasted.
_BEHIND_LABEL = r"[^\d\n]{0,12}(?:\n ?)?"
_IN_TEXT = {
    MaskedKind.PHONE: re.compile(rf"(?:{_PHONE}){_BEHIND_LABEL}(1[016789]\d{{7,8}}){_FRACTION}(?!\d)", re.IGNORECASE),
    MaskedKind.RESIDENT: re.compile(rf"(?:{_RESIDENT}){_BEHIND_LABEL}(\d{{9,12}}){_FRACTION}(?!\d)", re.IGNORECASE),
}
_TWELVE_DIGITS = re.compile(r"(?<!\d)(?<!\d[.\-])\d{12}(?![\d.\-])")
_OF_A_THING = re.compile(r"(?:송장|운송|주문|접수|예약|결제|거래|승인|상품|바코드)[^\d\n]{0,12}$")
_BEFORE = 24
_RESIDENT_DIGITS = 13
# A new table has a header of its own.
_MOST_LINES_BETWEEN_ROWS = 5


def kind_of_label(label: str) -> MaskedKind | None:
    """What stands below it, or behind it; None for anything else."""
    if len(label) > _LONGEST_LABEL:
        return None
    return next((kind for kind, pattern in _LABELS.items() if pattern.search(label)), None)


def find_labelled_numbers(folded: str) -> Iterator[Span]:
    for separator in "\t|":
        if separator in folded:
            yield from _find_in_rows(folded, separator)
    for kind, pattern in _IN_TEXT.items():
        for match in pattern.finditer(folded):
            yield Span(match.start(1), match.end(), kind, _whole(kind, match[1]))
    for match in _TWELVE_DIGITS.finditer(folded):
        whole = _whole(MaskedKind.RESIDENT, match[0])
        before = folded[max(0, match.start() - _BEFORE) : match.start()]
        if _may_be_resident(whole) and not _OF_A_THING.search(before):
            yield Span(match.start(), match.end(), MaskedKind.RESIDENT, whole)


def _find_in_rows(folded: str, separator: str) -> Iterator[Span]:
    """A row without labels of its own has those of the header above."""
    columns: dict[int, MaskedKind] = {}
    between, at = 0, 0
    for line in folded.split("\n"):
        if separator in line:
            between = 0
            yield from _find_in_row(line.split(separator), at, columns)
        else:
            between += bool(line.strip())
            if between > _MOST_LINES_BETWEEN_ROWS:
                columns = {}
        at += len(line) + 1


def _find_in_row(cells: list[str], at: int, columns: dict[int, MaskedKind]) -> Iterator[Span]:
    """Writes the row's own labels into `columns`."""
    last: MaskedKind | None = None
    for number, cell in enumerate(cells):
        written = cell.strip()
        kind = columns.get(number, last)
        if kind is not None and (match := _CELLS[kind].fullmatch(written)):
            begin = at + cell.index(written)
            yield Span(begin, begin + len(written), kind, _whole(kind, match[1]))
        last = None if written[:1].isdigit() else kind_of_label(written)
        if last is not None:
            columns[number] = last
        at += len(cell) + 1


def _whole(kind: MaskedKind, written: str) -> str:
    """With the noughts that are lost."""
    digits = written.replace("-", "")
    if kind == MaskedKind.RESIDENT:
        return digits.zfill(_RESIDENT_DIGITS)
    if kind == MaskedKind.PHONE and not digits.startswith("0"):
        return f"0{digits.removeprefix('82')}"
    return digits


def _may_be_resident(digits: str) -> bool:
    """By its date, its century, and its check digit: of those with a nought lost, all are born since 2000."""
    is_day = 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31
    weighed = sum(int(digit) * weight for digit, weight in zip(digits, (*range(2, 10), *range(2, 6)), strict=False))
    base = {"3": 11, "4": 11, "7": 13, "8": 13}.get(digits[6])
    return is_day and base is not None and (base - weighed % 11) % 10 == int(digits[12])
