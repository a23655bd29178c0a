"""Writes exports in each format, piece by piece where the format lets one."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO, StringIO

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from services.interviews.bodies import Body
from services.interviews.exporting.markdown import render_interview
from services.interviews.exporting.quotes import HEADINGS, rows_of

# What a spreadsheet takes for a formula, also in full width; a tab or a line's end may hide one.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_CELL_MAX = 32_767
_SHEET_TITLE = "인용"
# Excel takes a file for UTF-8 by it.
_BOM = b"\xef\xbb\xbf"


class ExportFormat(StrEnum):
    MARKDOWN = "md"
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


@dataclass(frozen=True)
class ExportWriter:
    content_type: str
    write: Callable[[Iterable[Body]], Iterator[bytes]]


def quote_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: of what people say, models and uploads are the authors."""
    return f"'{text}" if _FORMULA.match(text) else text


def write_markdown(interviews: Iterable[Body]) -> Iterator[bytes]:
    for interview in interviews:
        yield render_interview(interview).encode()


def write_json(interviews: Iterable[Body]) -> Iterator[bytes]:
    before = b'{"interviews": [\n'
    for interview in interviews:
        yield before + json.dumps(interview, ensure_ascii=False).encode("utf-8", "replace")
        before = b",\n"
    yield b"]}\n" if before == b",\n" else before + b"]}\n"


def write_csv(interviews: Iterable[Body]) -> Iterator[bytes]:
    yield _BOM + _csv_rows([HEADINGS])
    for interview in _told_apart(interviews):
        yield _csv_rows(rows_of(interview))


def _told_apart(interviews: Iterable[Body]) -> Iterator[Body]:
    """Rows tell of which interview they are by its title alone, and each interview numbers its people anew: of those
    with one title each later one has a number."""
    seen: Counter[str] = Counter()
    for interview in interviews:
        title = interview["title"]
        while seen[title]:
            seen[interview["title"]] += 1
            title = f"{interview['title']} ({seen[interview['title']]})"
        seen[title] += 1
        yield interview | {"title": title}


def _csv_rows(rows: Iterable[tuple[str, ...]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows([quote_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def write_xlsx(interviews: Iterable[Body]) -> Iterator[bytes]:
    """In one piece: a zip has its contents at its end."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(_SHEET_TITLE)
    sheet.append(HEADINGS)
    for interview in _told_apart(interviews):
        for row in rows_of(interview):
            sheet.append([_xlsx_cell(cell) for cell in row])
    content = BytesIO()
    workbook.save(content)
    yield content.getvalue()


def _xlsx_cell(text: str) -> str:
    return quote_cell(ILLEGAL_CHARACTERS_RE.sub("", text))[:_CELL_MAX]


WRITERS: Mapping[ExportFormat, ExportWriter] = {
    ExportFormat.MARKDOWN: ExportWriter("text/markdown; charset=utf-8", write_markdown),
    ExportFormat.CSV: ExportWriter("text/csv; charset=utf-8", write_csv),
    ExportFormat.JSON: ExportWriter("application/json", write_json),
    ExportFormat.XLSX: ExportWriter("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
}
