"""Which files are taken, by the extension of their name, and what their content has to be."""

import re
from enum import StrEnum
from pathlib import PurePosixPath

from services.interviews.extraction.failures import FileFault, FileUnusable


class FileKind(StrEnum):
    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    HTML = "html"
    XML = "xml"
    RTF = "rtf"
    DOCX = "docx"
    XLSX = "xlsx"
    PDF = "pdf"


_PLAIN = ("txt", "md", "markdown", "log", "text")
_CODE = ("py", "js", "ts", "jsx", "tsx", "java", "kt", "c", "h", "cpp", "cs", "go", "rs", "rb", "php", "swift", "sql")
_MORE_CODE = ("sh", "yaml", "yml", "toml", "ini", "css", "vue", "r")
KINDS = {
    **dict.fromkeys((*_PLAIN, *_CODE, *_MORE_CODE), FileKind.TEXT),
    **dict.fromkeys(("html", "htm"), FileKind.HTML),
    "csv": FileKind.CSV,
    "json": FileKind.JSON,
    "xml": FileKind.XML,
    "rtf": FileKind.RTF,
    "docx": FileKind.DOCX,
    "xlsx": FileKind.XLSX,
    "pdf": FileKind.PDF,
}
# What a person may try, and what to save it as instead.
REFUSED = {
    "hwp": "한글 파일(hwp)은 읽을 수 없어요. docx나 pdf로 저장해서 올려 주세요.",
    "hwpx": "한글 파일(hwpx)은 읽을 수 없어요. docx나 pdf로 저장해서 올려 주세요.",
    "xls": "예전 엑셀 파일(xls)은 읽을 수 없어요. xlsx로 저장해서 올려 주세요.",
    "xlsm": "매크로가 든 엑셀 파일(xlsm)은 읽을 수 없어요. xlsx로 저장해서 올려 주세요.",
    "doc": "예전 워드 파일(doc)은 읽을 수 없어요. docx로 저장해서 올려 주세요.",
    "docm": "매크로가 든 워드 파일(docm)은 읽을 수 없어요. docx로 저장해서 올려 주세요.",
}
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_PDF, _RTF = b"%PDF-", b"{\\rtf"
_OTHER_BINARY = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"MZ\x90", b"RIFF", b"\x1f\x8b", b"BZh", b"7z\xbc")
_PDF_WITHIN_BYTES = 1024
_AROUND_BYTES = b"\xef\xbb\xbf \t\r\n"


def extension_of(name: str) -> str:
    """Lower case, without its dot; empty where there is none. A name is never a path: of one its last part counts."""
    extension = PurePosixPath(name.replace("\\", "/")).suffix.removeprefix(".").lower()
    return extension if _EXTENSION.fullmatch(extension) else ""


def kind_of(name: str) -> FileKind | None:
    """By the name alone; None for what is not taken."""
    return KINDS.get(extension_of(name))


def require_content(kind: FileKind, content: bytes) -> None:
    """Raises FileUnusable for other content than the kind says."""
    if content.startswith(_OLE):
        is_encrypted = kind in (FileKind.DOCX, FileKind.XLSX) and _ENCRYPTED_PACKAGE in content
        raise FileUnusable(FileFault.FILE_ENCRYPTED if is_encrypted else FileFault.FILE_TYPE_MISMATCH)
    if _found_kinds(content) and kind not in _found_kinds(content):
        raise FileUnusable(FileFault.FILE_TYPE_MISMATCH)
    is_binary = kind in (FileKind.DOCX, FileKind.XLSX, FileKind.PDF, FileKind.RTF)
    if content.startswith(_OTHER_BINARY) or (is_binary and not _found_kinds(content)):
        raise FileUnusable(FileFault.FILE_TYPE_MISMATCH)


def _found_kinds(content: bytes) -> frozenset[FileKind]:
    """What its first bytes allow; empty for text."""
    if content.startswith(_ZIP):
        return frozenset({FileKind.DOCX, FileKind.XLSX})
    if content[:_PDF_WITHIN_BYTES].lstrip(_AROUND_BYTES).startswith(_PDF):
        return frozenset({FileKind.PDF})
    return frozenset({FileKind.RTF}) if content[:64].lstrip(_AROUND_BYTES).startswith(_RTF) else frozenset()
