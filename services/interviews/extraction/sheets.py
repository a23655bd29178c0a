"""Reads an xlsx: each sheet, a line per row."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from services.interviews.extraction.archives import look_through
from services.interviews.extraction.blanks import is_blank
from services.interviews.extraction.failures import FileFault, FileUnusable
from services.interviews.extraction.kinds import FileKind
from services.interviews.extraction.rows import write_rows

MAX_CELLS = 500_000


def read_xlsx(content: bytes) -> Iterator[str]:
    """Its lines; the names of sheets stand over theirs. Values, no formulas."""
    look_through(FileKind.XLSX, content)
    try:
        workbook = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
        left = MAX_CELLS
        for sheet in workbook.worksheets:
            rows = _Rows(sheet, left)
            is_titled = False
            for line in write_rows(rows):
                # A title alone is no text: an empty workbook would be analysed, and billed.
                if not is_titled and is_blank(line):
                    continue
                if not is_titled:
                    yield sheet.title
                    is_titled = True
                yield line
            left = rows.left
    except (InvalidFileException, BadZipFile, KeyError, ValueError, TypeError, ParseError, SyntaxError) as exc:
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc


class _Rows:
    """A sheet's cells as text. `left`: of how many cells the workbook may still be."""

    def __init__(self, sheet: Any, left: int) -> None:
        # A sheet's own word about its size is not to be trusted: 1 kB can claim 17 billion cells.
        sheet.reset_dimensions()
        self._rows = sheet.iter_rows(values_only=True)
        self.left = left

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._rows:
            self.left -= max(len(row), 1)
            if self.left < 0:
                raise FileUnusable(FileFault.FILE_TOO_COMPLEX)
            yield ["" if value is None else str(value) for value in row]
