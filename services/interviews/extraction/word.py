"""Reads a docx: headers, the body in its order with tables and text boxes, footnotes."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from services.interviews.extraction.archives import look_through
from services.interviews.extraction.failures import FileFault, FileUnusable
from services.interviews.extraction.kinds import FileKind
from services.interviews.extraction.rows import write_rows

_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT, _TEXT_BOX = qn("w:t"), qn("w:txbxContent")
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
# Deleted text, and the second copy of a text box that old versions of Word read.
_LEFT_OUT = frozenset(
    {qn("w:del"), qn("w:moveFrom"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_VALUE = qn("w:val")
_WIDTH, _SKIPPED = f"{qn('w:tcPr')}/{qn('w:gridSpan')}", f"{qn('w:trPr')}/{qn('w:gridBefore')}"
_MOST_COLUMNS = 63  # Word's own
_NOTES = (RELATIONSHIP_TYPE.FOOTNOTES, RELATIONSHIP_TYPE.ENDNOTES)


def read_docx(content: bytes) -> Iterator[str]:
    """Its lines."""
    look_through(FileKind.DOCX, content)
    try:
        document = Document(BytesIO(content))
    except (PackageNotFoundError, KeyError, ValueError, SyntaxError) as exc:  # lxml's errors are syntax errors
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc
    for heading in _find_shown(document, "header"):
        yield from _read_blocks(heading)
    yield from _read_blocks(document.element.body)
    for relation in document.part.rels.values():
        if relation.reltype in _NOTES:
            yield from _read_blocks(parse_xml(relation.target_part.blob))
    for ending in _find_shown(document, "footer"):
        yield from _read_blocks(ending)


def _find_shown(document: Any, kind: str) -> list[Any]:
    """Each header, or footer, that some page shows, once. A section without one of its own has that of the sections
    before it, which these need not show themselves."""
    has_even = document.settings.odd_and_even_pages_header_footer
    latest: dict[str, Any] = {}
    shown: dict[int, Any] = {}
    for section in document.sections:
        is_shown = {"first_page_": section.different_first_page_header_footer, "": True, "even_page_": has_even}
        for pages, is_used in is_shown.items():
            story = getattr(section, pages + kind)
            if not story.is_linked_to_previous:
                latest[pages] = story._element  # noqa: SLF001 the library shows no order of tables and boxes
            if is_used and pages in latest:
                shown[id(latest[pages])] = latest[pages]
    return list(shown.values())


def _read_blocks(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == _PARAGRAPH:
            yield from _read_paragraph(child)
        elif child.tag == _TABLE:
            yield from _read_table(child)
        elif child.tag not in _LEFT_OUT:
            yield from _read_blocks(child)


def _read_table(table: Any) -> Iterator[str]:
    """A row is a line, whatever stands between its cells' walls."""
    return write_rows(map(_read_row, _children(table, _ROW)))


def _read_row(row: Any) -> Iterator[str]:
    """Its cells, and empty ones for the further columns of those that are wider."""
    for _ in range(_columns_of(row, _SKIPPED)):
        yield ""
    for cell in _children(row, _CELL):
        yield "\n".join(filter(None, _read_blocks(cell)))
        for _ in range(_columns_of(cell, _WIDTH) - 1):
            yield ""


def _columns_of(element: Any, path: str) -> int:
    told = element.find(path)
    value = "" if told is None else told.get(_VALUE, "")
    return min(int(value), _MOST_COLUMNS) if value.isascii() and value.isdigit() else 0


def _children(element: Any, tag: str) -> Iterator[Any]:
    """Those of one kind, also within what Word wraps around them."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag not in _LEFT_OUT:
            yield from _children(child, tag)


def _read_paragraph(paragraph: Any) -> Iterator[str]:
    pieces: list[str] = []
    boxes: list[Any] = []
    _gather(paragraph, pieces, boxes)
    yield "".join(pieces)
    for box in boxes:
        yield from _read_blocks(box)


def _gather(element: Any, pieces: list[str], boxes: list[Any]) -> None:
    for child in element:
        if child.tag == _TEXT:
            pieces.append(child.text or "")
        elif child.tag in _BREAKS:
            pieces.append(_BREAKS[child.tag])
        elif child.tag == _TEXT_BOX:
            boxes.append(child)
        elif child.tag not in _LEFT_OUT:
            _gather(child, pieces, boxes)
