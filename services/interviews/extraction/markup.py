"""Reads html, xml and rtf."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from striprtf.striprtf import rtf_to_text

from services.interviews.extraction.decoding import decode_declared
from services.interviews.extraction.failures import FileFault, FileUnusable
from services.interviews.extraction.html_tables import CELLS, TableRows, find_cells
from services.interviews.extraction.rows import write_row

MAX_TAGS = 200_000
_UNSHOWN = ("script", "style", "template", "noscript", "head", "svg")
_BLOCKS = (
    *("p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer"),
    *("blockquote", "pre", "table", "dt", "dd", "ul", "ol", "hr"),
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LAST_ROW = "\\row"
_ROW = re.compile(r"\\trowd(?![a-z]).*?\\row(?![a-z])", re.DOTALL)
_LINE_END = re.compile(r"(?<!\\)\\(?:par|line)(?![a-z]) ?")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")


def read_html(content: bytes) -> Iterator[str]:
    _require_few_tags(content)
    soup = BeautifulSoup(_BLANKS.sub(" ", decode_declared(content)), "lxml")
    # Not the tabs: an empty cell at the begin of a row is counted.
    yield from (line.strip(" ") for line in "".join(_walk(soup)).split("\n") if line.strip())


def _walk(root: Tag) -> Iterator[str]:
    """Its texts, and the edges of its blocks and cells. On a stack of its own: pages nest as deep as they like."""
    open_tags = [(iter(root.contents), "")]
    rows: dict[int, TableRows] = {}
    while open_tags:
        children, edge = open_tags[-1]
        child = next(children, None)
        if child is None:
            open_tags.pop()
            yield edge
        elif isinstance(child, Tag):
            cells = find_cells(child)
            if cells:
                above = rows.setdefault(id(child.parent), TableRows())
                line = write_row(above.place(cells, lambda cell: "".join(_walk(cell))))
                yield f"\n{line}\n"
            elif child.name not in _UNSHOWN:
                is_block = child.name in _BLOCKS
                yield "\n" if is_block else ""
                open_tags.append((iter(child.contents), "\n" if is_block else "\t" if child.name in CELLS else ""))
        elif type(child) is NavigableString:  # its subclasses are comments, declarations, scripts
            yield str(child)


def _require_few_tags(content: bytes) -> None:
    # In UTF-16 too: the byte is a part of each. Parsers take some kilobytes and microseconds for a tag.
    if content.count(b"<") > MAX_TAGS:
        raise FileUnusable(FileFault.FILE_TOO_COMPLEX)


def read_xml(content: bytes) -> Iterator[str]:
    """Each text on a line of its own. Decoded here: the parser knows no CP949."""
    _require_few_tags(content)
    text = _DECLARATION.sub("", decode_declared(content).lstrip("\ufeff"))
    try:
        root = fromstring(text)
    except DefusedXmlException as exc:
        raise FileUnusable(FileFault.FILE_TOO_COMPLEX) from exc
    except ParseError as exc:
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc
    yield from (piece.strip() for piece in root.itertext() if piece.strip())


def read_rtf(content: bytes) -> Iterator[str]:
    """In the code page it names; Korean Windows writes 949."""
    named = _CODE_PAGE.search(content[:1024])
    encoding = f"cp{named[1].decode()}" if named else "cp949"
    try:
        yield rtf_to_text(_without_torn_rows(content.decode("latin-1")), encoding=encoding, errors="replace")
    except (ValueError, LookupError, IndexError) as exc:
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc


def _without_torn_rows(text: str) -> str:
    """A cell's line ends would part its row. What is no row is not looked through again and again."""
    rows, last, rest = text.rpartition(_LAST_ROW)
    return _ROW.sub(lambda row: _LINE_END.sub(" ", row[0]), rows + last) + rest
