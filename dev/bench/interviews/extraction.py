"""Reading a file of each format in a child process of its own, beside the same reader without one."""

import time
from collections.abc import Callable, Mapping
from io import BytesIO
from statistics import median

from docx import Document
from openpyxl import Workbook

from dev.bench.results import Metrics
from services.interviews.extraction.child import read_file
from services.interviews.extraction.kinds import FileKind
from services.interviews.extraction.reading import extract_text

_MOST_CHARACTERS = 1_000_000
_SENTENCE = "김하늘: 결제 화면이 자꾸 멈춰서 답답했어요."


def measure_formats(*, lines: int, rounds: int) -> dict[str, Metrics]:
    """The two take turns; medians."""
    return {kind.value: _measure(kind, make(lines), rounds) for kind, make in _MAKERS.items()}


def _measure(kind: FileKind, content: bytes, rounds: int) -> Metrics:
    in_child: list[float] = []
    without: list[float] = []
    inline_text = read_file(kind, content)  # what is imported once is not what a file costs
    for _ in range(rounds):
        in_child.append(_timed(lambda: extract_text(kind, [content], max_characters=_MOST_CHARACTERS), inline_text))
        without.append(_timed(lambda: read_file(kind, content), inline_text))
    child_ms, inline_ms = median(in_child) * 1000, median(without) * 1000
    return {
        "file_kib": len(content) / 1024,
        "child_p50_ms": child_ms,
        "without_p50_ms": inline_ms,
        "child_costs_ms": child_ms - inline_ms,
    }


def _timed(read: Callable[[], str], expected: str) -> float:
    began = time.perf_counter()
    text = read()
    seconds = time.perf_counter() - began
    assert text == expected
    return seconds


def _make_text(lines: int) -> bytes:
    return "\n".join([_SENTENCE] * lines).encode()


def _make_html(lines: int) -> bytes:
    return f"<!DOCTYPE html><html><body>{f'<p>{_SENTENCE}</p>' * lines}</body></html>".encode()


def _make_xml(lines: int) -> bytes:
    return f"<?xml version='1.0' encoding='utf-8'?><talk>{f'<line>{_SENTENCE}</line>' * lines}</talk>".encode()


def _make_rtf(lines: int) -> bytes:
    coded = "".join(f"\\'{byte:02x}" for byte in _SENTENCE.encode("cp949"))
    return (r"{\rtf1\ansi\ansicpg949{\fonttbl{\f0 Malgun;}}\f0 " + f"{coded}\\par " * lines + "}").encode("ascii")


def _make_docx(lines: int) -> bytes:
    document = Document()
    for _ in range(lines):
        document.add_paragraph(_SENTENCE)
    stream = BytesIO()
    document.save(stream)
    return stream.getvalue()


def _make_xlsx(lines: int) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("면담")
    for _ in range(lines):
        sheet.append(_SENTENCE.split(": "))
    stream = BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def _make_pdf(lines: int) -> bytes:
    """One page of Latin text: a font for Hangul would be most of the file."""
    shown = b"".join(b"(Q: the payment screen hangs again and again.) Tj T* " for _ in range(lines))
    content = b"BT /F 12 Tf 14 TL 50 800 Td " + shown + b"ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%b endobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(body))
    return body + head + table + trailer


_MAKERS: Mapping[FileKind, Callable[[int], bytes]] = {
    FileKind.TEXT: _make_text,
    FileKind.HTML: _make_html,
    FileKind.XML: _make_xml,
    FileKind.RTF: _make_rtf,
    FileKind.DOCX: _make_docx,
    FileKind.XLSX: _make_xlsx,
    FileKind.PDF: _make_pdf,
}
