"""Reads html, xml and rtf."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from bs4 import BeautifulSoup
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from striprtf.striprtf import rtf_to_text

from services.interviews.extraction.decoding import decode_declared
from services.interviews.extraction.failures import FileFault, FileUnusable

_UNSHOWN = ("script", "style", "template", "noscript", "head", "svg")
_BLOCKS = (
    *("p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer"),
    *("blockquote", "pre", "table", "dt", "dd", "ul", "ol", "hr"),
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")


def read_html(content: bytes) -> Iterator[str]:
    soup = BeautifulSoup(_BLANKS.sub(" ", decode_declared(content)), "lxml")
    for unshown in soup.find_all(_UNSHOWN):
        unshown.decompose()
    for block in soup.find_all(_BLOCKS):
        block.insert_before("\n")
        block.insert_after("\n")
    for cell in soup.find_all(("td", "th")):
        cell.insert_after("\t")
    yield from (line.strip() for line in soup.get_text().split("\n") if line.strip())


def read_xml(content: bytes) -> Iterator[str]:
    """Each text on a line of its own. Decoded here: the parser knows no CP949."""
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
        yield rtf_to_text(content.decode("latin-1"), encoding=encoding, errors="replace")
    except (ValueError, LookupError, IndexError) as exc:
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc
