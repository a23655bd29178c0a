"""The child process: takes its limits upon itself, reads one file from standard input, writes its text or a code.

Started as `python -m services.interviews.extraction.child KIND`. Standard output: a line with `OK` or a code, and after
`OK` the text in UTF-8.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from services.interviews.extraction.blanks import is_blank
from services.interviews.extraction.failures import FileFault, FileUnusable
from services.interviews.extraction.kinds import FileKind, require_content

OK = "OK"
MEMORY_BYTES, CPU_SECONDS, OPEN_FILES = 1024**3, 20, 16
NICENESS, OOM_SCORE_ADJ = 10, 1000
MAX_TEXT_BYTES = 4 * 1024 * 1024
_READERS = {
    FileKind.TEXT: ("decoding", "read_plain"),
    FileKind.CSV: ("records", "read_csv"),
    FileKind.JSON: ("records", "read_json_records"),
    FileKind.HTML: ("markup", "read_html"),
    FileKind.XML: ("markup", "read_xml"),
    FileKind.RTF: ("markup", "read_rtf"),
    FileKind.DOCX: ("word", "read_docx"),
    FileKind.XLSX: ("sheets", "read_xlsx"),
    FileKind.PDF: ("pages", "read_pdf"),
}
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def main(arguments: list[str]) -> int:
    yield_to_others()
    limit_process()
    try:
        text = read_file(FileKind(arguments[0]), sys.stdin.buffer.read())
    except FileUnusable as unusable:
        return _answer(unusable.code)
    except (MemoryError, RecursionError):
        return _answer(FileFault.FILE_TOO_COMPLEX)
    except Exception:  # noqa: BLE001 an edge: whatever a parser raises, it is the file's doing, and may quote it
        return _answer(FileFault.FILE_DAMAGED)
    return _answer(OK, text.encode())


def yield_to_others() -> None:
    """Of processor and memory: whoever analyses beside it goes first, and where memory runs out this process is ended.
    Where the kernel forbids it, the limits alone hold."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJ))


def limit_process() -> None:
    """Before a parser is imported, and before the first byte is read."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hardest = resource.getrlimit(limit)
        lowest = value if hardest == resource.RLIM_INFINITY else min(value, hardest)
        resource.setrlimit(limit, (lowest, lowest))
    with contextlib.suppress(OSError, AttributeError):  # where the kernel forbids it, there is no parser that fetches
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)


def read_file(kind: FileKind, content: bytes) -> str:
    """Raises FileUnusable; anything else is a parser's own error."""
    if not content.strip():
        raise FileUnusable(FileFault.NO_TEXT)
    require_content(kind, content)
    module, reader = _READERS[kind]
    text: str = _load("decoding", "clean_text")(_join_bounded(_load(module, reader)(content)))
    if is_blank(text):
        raise FileUnusable(FileFault.NO_TEXT)
    return text


def _load(module: str, name: str) -> Any:
    """After the limits were set, and only what this file needs: parsers cost time and memory to import."""
    return getattr(import_module(f"services.interviews.extraction.{module}"), name)


def _join_bounded(lines: Iterable[str]) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line)
        # Whatever is blank may be any length: nothing of it is left in the end.
        if size > MAX_TEXT_BYTES and len(line.strip()) + size - len(line) > MAX_TEXT_BYTES:
            raise FileUnusable(FileFault.TEXT_TOO_LONG)
        kept.append(line)
    return "\n".join(kept)


def _answer(code: str, text: bytes = b"") -> int:
    if len(text) > MAX_TEXT_BYTES:
        code, text = FileFault.TEXT_TOO_LONG, b""
    sys.stdout.buffer.write(f"{code}\n".encode() + text)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
