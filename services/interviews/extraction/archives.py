"""Looks through a zip before anybody unpacks it."""

import re
import zipfile
from io import BytesIO

from services.interviews.extraction.failures import FileFault, FileUnusable
from services.interviews.extraction.kinds import FileKind

MAX_ENTRIES, MAX_UNPACKED_BYTES, MAX_RATIO = 2_000, 200 * 1024 * 1024, 200
MAX_PARAGRAPHS = 100_000
_MAIN_PART = {FileKind.DOCX: "word/document.xml", FileKind.XLSX: "xl/workbook.xml"}
_IS_ENCRYPTED = 0x1
_PARAGRAPH = re.compile(rb"<(?:\w+:)?p[\s>/]")
_ENTITY = re.compile(rb"<!(?:ENTITY|DOCTYPE)")


def look_through(kind: FileKind, content: bytes) -> None:
    """Raises FileUnusable for what is no such document, is encrypted, or would unpack to too much."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _require_entries(kind, archive, len(content))
            for entry in archive.infolist():
                if entry.filename.endswith((".xml", ".rels")):
                    _require_plain_xml(archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as exc:
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc


def _require_entries(kind: FileKind, archive: zipfile.ZipFile, size: int) -> None:
    entries = archive.infolist()
    if any(entry.flag_bits & _IS_ENCRYPTED for entry in entries):
        raise FileUnusable(FileFault.FILE_ENCRYPTED)
    unpacked = sum(entry.file_size for entry in entries)
    # Python's reader gives no more than an entry says, so that what they say is what there is to come.
    if len(entries) > MAX_ENTRIES or unpacked > min(MAX_UNPACKED_BYTES, MAX_RATIO * size):
        raise FileUnusable(FileFault.FILE_TOO_COMPLEX)
    if _MAIN_PART[kind] not in archive.namelist():
        raise FileUnusable(FileFault.FILE_TYPE_MISMATCH)


def _require_plain_xml(part: bytes) -> None:
    """Office writes no entities, and a reader that resolves some would multiply them."""
    if _ENTITY.search(part):
        raise FileUnusable(FileFault.FILE_TOO_COMPLEX)
    if sum(1 for _ in zip(_PARAGRAPH.finditer(part), range(MAX_PARAGRAPHS + 1), strict=False)) > MAX_PARAGRAPHS:
        raise FileUnusable(FileFault.FILE_TOO_COMPLEX)
