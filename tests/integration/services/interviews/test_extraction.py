"""Each format by a real file, in a child process without secrets; hostile files end with a code within their limits."""

import csv
import io
import json
import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from openpyxl import Workbook

from services.interviews.extraction.child import NICENESS, OOM_SCORE_ADJ
from services.interviews.extraction.failures import FileUnusable, ReaderUnavailable
from services.interviews.extraction.kinds import FileKind, kind_of
from services.interviews.extraction.reading import ReaderProcesses, extract_text
from tests.integration.services.interviews import documents
from tests.waiting import wait_until

MAX_CHARACTERS = 50_000
SPOKEN = "Q: 결제는 어땠어요?\n김하늘: 느려서 답답했어요. ﹣ 😀\n"
CODE = {"NO_TEXT", "TEXT_TOO_LONG", "FILE_DAMAGED", "FILE_ENCRYPTED", "FILE_TYPE_MISMATCH", "FILE_TOO_COMPLEX"}


def read(name, content):
    return extract_text(kind_of(name), [content], max_characters=MAX_CHARACTERS)


def code_of(name, content):
    with pytest.raises(FileUnusable) as refused:
        read(name, content)
    assert refused.value.sentence
    return str(refused.value.code)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["대화.txt", "a.md", "a.csv", "a.json", "a.log", "a.py"])
def test_plain_text_in_unicode(name, encoding):
    assert read(name, SPOKEN.encode(encoding)) == SPOKEN.strip()


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr"])
def test_plain_text_in_korean_code_pages(encoding):
    spoken = "Q: 결제는 어땠어요?\n김하늘: 느려서 답답했어요."
    assert read("a.txt", spoken.encode(encoding)) == spoken


@pytest.mark.parametrize("encoding", ["cp949", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("said", ["결제가느려서답답했어요", "한글\n한글", "느려요  한참  기다렸어요", "방각하" * 12000])
def test_hangul_alone_is_read_in_its_encoding(said, encoding):
    assert read("a.txt", said.encode(encoding)) == said


def test_controls_and_odd_line_ends_go_and_letters_are_composed():
    assert read("a.txt", "\ufeff가\u0000\r\n\u1112\u1161\u11ab\u0007  \r다\x1b[0m".encode()) == "가\n한\n다[0m"


@pytest.mark.parametrize(
    "text", ["Q: 결제는\0 어땠어요?", "hello\0 world", "\0네, 느려요", "결제가 느려요.\n" * 100 + "\0\0\0"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_stray_nuls_go(text, encoding):
    assert read("a.txt", text.encode(encoding)) == text.replace("\0", "").strip()


@pytest.mark.parametrize("content", [b"name\0\0\0\0 0000644\0 0001750\0" * 20, b"\0\1\2\3 text \4\5" * 9])
def test_many_controls_are_no_text(content):
    assert code_of("a.txt", content) == "FILE_TYPE_MISMATCH"


@pytest.mark.parametrize("text", ["\u200b\u200c\u200d", "\u3164\n\u2800\u00ad", "\ufe0f"])
def test_what_shows_nothing_is_no_text(text):
    assert code_of("a.txt", text.encode()) == "NO_TEXT"


@pytest.mark.parametrize("encoding", ["utf-8", "euc-kr", "utf-16"])
def test_html_as_it_declares_itself(encoding):
    page = f"""<html><head><meta charset="{encoding}"><title>제목</title><style>p {{}}</style></head><body>
    <p>김<b>하늘</b>: 느려요</p><script>alert(1)</script><table><tr><td>질문</td><td>대답</td></tr></table>
    </body></html>"""
    assert read("a.html", page.encode(encoding)).split("\n") == ["김하늘: 느려요", "질문\t대답"]


@pytest.mark.parametrize("encoding", ["utf-8", "euc-kr", "utf-16"])
def test_xml_as_it_declares_itself(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><a><b>김하늘</b>느려요 &amp; 답답</a>'
    assert read("a.xml", text.encode(encoding)) == "김하늘\n느려요 & 답답"


def test_rtf_in_its_code_page():
    assert read("a.rtf", documents.make_rtf("김하늘: 느려요")) == "김하늘: 느려요\nend"


def test_docx_in_order_with_tables_headers_boxes_and_notes():
    lines = read("a.docx", documents.make_docx()).split("\n")
    assert [line for line in lines if line] == [
        "머리말",
        "김하늘: 결제가 느려요.",
        "질문\t대답",
        "얼마나?\t매일",
        "끝",
        "글상자",
        "각주",
    ]


def test_xlsx_sheet_by_sheet():
    lines = read("a.xlsx", documents.make_xlsx()).split("\n")
    assert lines == ["면담", "화자\t말", "김하늘\t결제가 느려요", "둘째", "1\t\tTrue"]


@pytest.mark.parametrize("row", [None, [None], [" ", "\u200b"]])
def test_a_workbook_without_a_cell_has_no_text(row):
    """The names of its sheets are none: they would be analysed, and billed."""
    workbook = Workbook()
    workbook.create_sheet("둘째").append(row or [])
    assert code_of("a.xlsx", documents.saved(workbook)) == "NO_TEXT"


def test_a_sheet_without_a_cell_is_left_out():
    workbook = Workbook()
    sheet = workbook.create_sheet("둘째")
    for row in ([None], ["말"], [None], ["끝"]):
        sheet.append(row)
    assert read("a.xlsx", documents.saved(workbook)) == "둘째\n말\n\n끝"


def test_docx_with_other_headers_on_first_and_even_pages():
    lines = read("a.docx", documents.make_docx_of_sections(tells_pages_apart=True)).split("\n")
    assert [line for line in lines if line] == [
        "머리말",
        "짝수 머리말",
        "첫 머리말",
        "본문",
        "짝수 꼬리말",
        "첫 꼬리말",
    ]


def test_headers_that_a_docx_does_not_show_are_not_read():
    lines = read("a.docx", documents.make_docx_of_sections(tells_pages_apart=False)).split("\n")
    assert [line for line in lines if line] == ["머리말", "본문"]


def test_pdf_page_by_page():
    assert read("a.pdf", documents.make_pdf(["김하늘: 느려요", "둘째 쪽"])).split("\n") == ["김하늘: 느려요", "둘째 쪽"]


def test_a_scan_has_no_text():
    assert code_of("a.pdf", documents.make_pdf(["", ""])) == "NO_TEXT"


def test_a_pdf_that_anybody_may_read_is_read():
    assert read("a.pdf", documents.encrypted_pdf("")) == "비밀"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.pdf", partial(documents.encrypted_pdf, "secret")),
        ("a.docx", lambda: documents.encrypted_zip(documents.make_docx())),
        ("a.xlsx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")),
    ],
)
def test_encrypted(name, make):
    assert code_of(name, make()) == "FILE_ENCRYPTED"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.docx", documents.make_xlsx),
        ("a.xlsx", documents.make_docx),
        ("a.docx", lambda: documents.make_pdf(["x"])),
        ("a.pdf", SPOKEN.encode),
        ("a.txt", documents.make_docx),
        ("a.txt", lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4),
        ("a.txt", lambda: bytes(range(128, 256)) * 20 + bytes(range(32)) * 20),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    ],
)
def test_other_content_than_the_name_says(name, make):
    assert code_of(name, make()) == "FILE_TYPE_MISMATCH"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.docx", lambda: documents.make_docx()[:-200]),
        ("a.xlsx", lambda: documents.make_xlsx()[:3000]),
        ("a.pdf", lambda: documents.make_pdf(["x"])[:60]),
        ("a.xml", lambda: b"<a><b>"),
    ],
)
def test_cut(name, make):
    assert code_of(name, make()) in {"FILE_DAMAGED", "NO_TEXT"}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.xlsx", lambda: documents.repacked(documents.make_xlsx(), {"xl/bomb.xml": bytes(300_000_000)})),
        ("a.docx", lambda: documents.repacked(documents.make_docx(), {f"word/{n}.xml": b"" for n in range(2001)})),
        ("a.docx", lambda: documents.docx_body("<w:p/>" * 150_000)),
        ("a.docx", lambda: documents.docx_body("<w:sdt>" * 50_000 + "</w:sdt>" * 50_000)),
        ("a.docx", lambda: documents.repacked(documents.make_docx(), {"word/styles.xml": documents.ENTITIES.encode()})),
        ("a.xml", f"{documents.ENTITIES}<a>&a11;</a>".encode),
        ("a.xlsx", lambda: documents.sheet_of('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
        (
            "a.xlsx",
            lambda: documents.sheet_of("".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 90))),
        ),
        ("a.pdf", documents.flate_bomb),
        ("a.pdf", lambda: documents.make_pdf(["x"] * 501)),
        ("a.pdf", lambda: documents.make_pdf(["x"], kids=b"2 0 R")),
        ("a.html", lambda: b"<div>" * 2_000_000 + b"x"),
        ("a.xml", lambda: b"<a>" * 90_000 + b"</a>" * 90_000),
        ("a.json", lambda: b"[" * 4_000_000),
        ("a.txt", lambda: b" " * 49_000_000),
        ("a.txt", lambda: b"\n \t" * 16_000_000),
        ("a.txt", lambda: " \n".encode("utf-16-le") * 12_000_000),
        ("a.txt", lambda: "가나다\n".encode() * 4_000_000),
        ("a.rtf", lambda: b"{\\rtf1" + b"{" * 1_000_000),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_file_ends_with_a_code_within_its_limits(name, make):
    content = make()
    began = time.monotonic()
    before = os.times().children_user
    assert code_of(name, content) in CODE
    assert os.times().children_user - before < 22
    assert time.monotonic() - began < 65


@pytest.mark.parametrize("page", [b"<div>" * 150_000 + b"x", b"<p>x" * 12_000, b"<b>" * 150_000 + b"x"])
def test_html_that_nests_deep_or_has_many_tags_is_read(page):
    assert set(read("a.html", page)) <= set("x\n")


def test_a_sheet_s_own_word_about_its_size_is_not_believed():
    content = documents.sheet_of('<row r="1"><c r="A1"><v>7</v></c></row>', claim="A1:XFD1048576")
    assert "7" in read("a.xlsx", content)


def test_text_beyond_the_limit_is_too_long():
    assert code_of("a.txt", ("가" * (MAX_CHARACTERS + 1)).encode()) == "TEXT_TOO_LONG"
    assert len(read("a.txt", ("가" * MAX_CHARACTERS).encode())) == MAX_CHARACTERS


def may_unshare_network():
    """Kernels can forbid it to users without rights."""
    return subprocess.run(["unshare", "--user", "--net", "true"], check=False, capture_output=True).returncode == 0


def our_reader():
    children = psutil.Process().children()
    return next((one for one in children if "services.interviews.extraction.child" in " ".join(one.cmdline())), None)


def test_the_child_has_limits_no_secrets_and_no_network(monkeypatch):
    monkeypatch.setenv("WELNO_CANARY", "canary-secret")
    seen = {}

    def look_at_it():
        yield b"a"
        child = wait_until(our_reader)
        wait_until(lambda: child.rlimit(psutil.RLIMIT_NOFILE)[0] == 16)
        seen["environment"] = child.environ()
        seen["limits"] = [
            child.rlimit(limit)[1] for limit in (psutil.RLIMIT_AS, psutil.RLIMIT_CPU, psutil.RLIMIT_FSIZE)
        ]
        seen["group"] = os.getpgid(child.pid)
        seen["files"] = child.open_files()
        seen["niceness"] = child.nice()
        seen["oom"] = int(Path(f"/proc/{child.pid}/oom_score_adj").read_text())
        seen["network"] = Path(f"/proc/{child.pid}/ns/net").readlink()
        yield b"b"

    assert extract_text(FileKind.TEXT, look_at_it(), max_characters=10) == "ab"
    assert "canary-secret" not in str(seen["environment"])
    assert seen["environment"].keys() <= {"PATH", "LANG", "PYTHONUTF8", "MALLOC_ARENA_MAX"}
    assert seen["limits"] == [1024**3, 20, 0]
    assert seen["group"] != os.getpgid(0)
    assert seen["files"] == []
    # Who analyses beside it goes first, and whose memory runs out ends it and nothing else.
    assert (seen["niceness"], seen["oom"]) == (min(os.nice(0) + NICENESS, 19), OOM_SCORE_ADJ)
    if may_unshare_network():
        assert seen["network"] != Path("/proc/self/ns/net").readlink()


def test_a_reader_that_takes_too_long_is_killed_with_its_group():
    with pytest.raises(FileUnusable, match="FILE_TOO_COMPLEX"):
        extract_text(FileKind.PDF, [documents.make_pdf(["x"])], max_characters=10, wall_seconds=0.01)
    assert our_reader() is None


def test_a_reader_that_is_ended_by_its_process_says_nothing_of_the_file():
    readers = ReaderProcesses()

    def stop_meanwhile():
        yield b"a"
        wait_until(our_reader)
        readers.kill_all()

    for pieces in (stop_meanwhile(), [b"later"]):
        with pytest.raises(ReaderUnavailable):
            extract_text(FileKind.TEXT, pieces, max_characters=10, readers=readers)
    assert our_reader() is None


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_reader_that_is_told_to_stop_says_nothing_of_the_file(sig):
    def stop_it():
        yield b"a"
        child = wait_until(our_reader)
        child.send_signal(sig)
        wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE)

    # A run in a shell's background ignores SIGINT, and so would the child.
    before = signal.signal(sig, signal.SIG_DFL)
    try:
        with pytest.raises(ReaderUnavailable):
            extract_text(FileKind.TEXT, stop_it(), max_characters=10)
    finally:
        signal.signal(sig, before)


def test_a_source_that_breaks_is_no_short_file():
    def break_off():
        yield b"half"
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        extract_text(FileKind.TEXT, break_off(), max_characters=10)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (
            [{"speaker": "황보라", "text": '네, "좋아요"'}, {"speaker": "진행자", "text": "왜요?"}],
            '황보라: 네, "좋아요"\n진행자: 왜요?',
        ),
        ({"title": "면담", "script": [{"화자": "김솔", "at": 3, "말": "음"}]}, "title: 면담\n김솔: 3 음"),
        (["하나", 2, None, True], "하나\n2\nTrue"),
    ],
)
@pytest.mark.parametrize("is_escaped", [True, False])
def test_json_is_read_as_words_whatever_its_escapes(records, expected, is_escaped):
    assert read("a.json", json.dumps(records, ensure_ascii=is_escaped).encode()) == expected


def test_a_line_of_json_that_was_cut_is_read_as_it_stands_and_the_others_as_records():
    cut = '{"speaker": "\\ud669\\ubcf4\\ub77c", "te\r\n{"speaker": "왕건", "text": "a\u2028b"}\r\n'
    assert read("a.json", cut.encode()) == '{"speaker": "황보라", "te\n왕건: a\u2028b'


@pytest.mark.parametrize("name", ["a.txt", "a.py", "a.json", "a.csv"])
def test_escaped_hangul_is_read(name):
    """A log of JSON has it so; whoever it names would else be sent unmasked."""
    assert "황보라 \\n" in read(name, rb"speaker \ud669\\uBCF4\ub77c \n")


@pytest.mark.parametrize("is_escaped", [True, False])
def test_json_lines_are_read_line_by_line(is_escaped):
    records = [{"speaker": "황보라", "text": "네"}, {"speaker": "진행자", "text": "왜요?"}]
    lines = "\r\n".join(json.dumps(record, ensure_ascii=is_escaped) for record in records)
    assert read("a.json", f"\n{lines}\n".encode()) == "황보라: 네\n진행자: 왜요?"


def test_what_is_no_json_is_read_as_it_stands():
    assert read("a.json", '{"cut": "여기'.encode()) == '{"cut": "여기'


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_row_by_row(delimiter):
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([["화자", "발화"], ["황보라", f'a{delimiter} "b"\n둘째']])
    said = " ".join(f'a{delimiter} "b" 둘째'.split())
    assert read("a.csv", written.getvalue().encode()) == f"화자\t발화\n황보라\t{said}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("화자,말\n김하늘,첫째 줄\n박서준,둘\r셋\n", "화자\t말\n김하늘\t첫째 줄\n박서준\t둘\n셋\t"),
        ('화자,말\n김하늘,"아니요\n박서준,네\n정온,좋아요\n', "화자\t말\n김하늘\t아니요\n박서준\t네\n정온\t좋아요"),
        ('화자,말\n김하늘,"아니요\n박서준,"네\n정온,음', "화자\t말\n김하늘\t아니요\n박서준\t네\n정온\t음"),
        ('말,화자\n"그는 "네"라고 했다",김솔\n"음\n끝",정온', '말\t화자\n그는 네"라고 했다"\t김솔\n음 끝\t정온'),
        ("말,화자\n" + "가" * 140_000 + ",김솔", None),
    ],
    ids=["carriage_return", "open", "open_twice", "within", "long"],
)
def test_each_row_of_a_csv_is_read_once_whatever_its_quotes(written, expected):
    if expected is None:
        assert code_of("a.csv", written.encode()) == "TEXT_TOO_LONG"
    else:
        assert read("a.csv", written.encode()) == expected


def test_a_row_of_one_cell_stays_a_row():
    """Masking looks for names in the columns of rows."""
    workbook = Workbook()
    for row in (["제목"], ["이름", "말"], ["김솔", None, None], [None], [None, "네"], ["정온"]):
        workbook.active.append(row)
    workbook.active.title = "면담"
    said = "제목\n이름\t말\n김솔\t\n\n\t네\n정온\t"
    assert read("a.xlsx", documents.saved(workbook)) == f"면담\n{said}"
    assert read("a.csv", "제목\n이름,말\n김솔,,\n\n,네\n정온\n".encode()) == said
    assert read("a.txt", "제목\n이름\t말\n김솔\t\t \n\t\n\t네\n정온\t\n".encode()) == said


ROWS_OF_LINES = [["번호", "답", "이름"], ["1", "첫째 줄\n둘째\t줄", "김솔"]]


def write_html(rows, cell):
    return "".join(f"<tr>{''.join(f'<td>{cell(text)}</td>' for text in row)}</tr>" for row in rows)


def xlsx_of(rows):
    workbook = Workbook()
    workbook.active.title = "면담"
    for row in rows:
        workbook.active.append(row)
    return documents.saved(workbook)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.xlsx", xlsx_of),
        ("a.docx", documents.make_docx_of_rows),
        ("a.html", lambda rows: f"<table>{write_html(rows, lambda text: f'<p>{text}</p>')}</table>".encode()),
        (
            "a.html",
            lambda rows: f"<table>{write_html(rows, lambda text: text.replace(chr(10), '<br>'))}</table>".encode(),
        ),
    ],
)
def test_a_row_is_a_line_whatever_its_cells_hold(name, make):
    assert read(name, make(ROWS_OF_LINES)).endswith("번호\t답\t이름\n1\t첫째 줄 둘째 줄\t김솔")


def test_a_row_of_an_rtf_is_a_line_whatever_its_cells_hold():
    row = r"\trowd\cellx100\cellx200\cellx300\intbl 1\cell a\par b\line c\cell Sol\cell\row"
    content = rf"{{\rtf1\ansi\ansicpg949 {row} \pard one\par two}}"
    assert read("a.rtf", content.encode()) == "1|a b c|Sol|\none\ntwo"


def test_a_text_in_a_box_keeps_its_lines():
    """Who speaks stands at the begin of a line."""
    said = "김하늘: 네\n박서준: 음"
    page = f"<table><tr><td><p>{said.replace(chr(10), '<br>')}</p></td></tr></table>"
    laid_out = f"<table><tr><td>메뉴</td><td>{''.join(f'<p>{number}</p>' for number in range(30))}</td></tr></table>"
    assert read("a.xlsx", xlsx_of([[said]])) == f"면담\n{said}"
    assert read("a.docx", documents.make_docx_of_rows([[said]])) == said
    assert read("a.html", page.encode()) == said
    assert read("a.html", laid_out.encode()).split("\n")[-30:] == [str(number) for number in range(30)]


def test_the_cells_of_html_stand_in_their_columns():
    page = """<table><tr><th></th><th colspan=2>누가</th><th>말</th></tr>
    <tr><td rowspan=2>1</td><td>가</td><td rowspan="2">나</td><td>네</td></tr><tr><td>다</td><td>음</td></tr>
    <tr><td>2</td><td>라</td><td colspan="x">마</td><td>끝</td></tr></table>"""
    assert read("a.html", page.encode()) == "\t누가\t\t말\n1\t가\t나\t네\n\t다\t\t음\n2\t라\t마\t끝"


def test_the_cells_of_docx_stand_in_their_columns():
    wide = '<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr><w:p><w:r><w:t>가</w:t></w:r></w:p></w:tc>'
    last = "<w:tc><w:p><w:r><w:t>나</w:t></w:r></w:p></w:tc>"
    rows = f'<w:tr>{wide}{last}</w:tr><w:tr><w:trPr><w:gridBefore w:val="2"/></w:trPr>{last}</w:tr>'
    assert "가\t\t나\n\t\t나" in read("a.docx", documents.docx_body(f"<w:tbl>{rows}</w:tbl>"))


def test_the_empty_cell_before_a_head_is_counted():
    assert read("a.csv", ",이름,말\n1,김솔,네\n".encode()) == "\t이름\t말\n1\t김솔\t네"


@pytest.mark.parametrize("torn", [b"\xed\xa0\xbd", b"\xea\xb0", b"\xff"])
def test_a_few_torn_letters_make_no_other_encoding(torn):
    assert read("a.txt", "진행자: 저는 이서연입니다 ".encode() + torn) == "진행자: 저는 이서연입니다"


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.py", "a.json", "a.html", "a.xml"])
@pytest.mark.parametrize("said", ["네", "아니요 느려서 답답했어요"])
def test_a_little_hangul_within_english_is_read_in_its_encoding(name, said):
    spoken = "<p>\n" + "Moderator: and how was the payment for you?\n" * 30 + f"Guest: {said}\n</p>\n"
    assert f"Guest: {said}" in read(name, spoken.encode("cp949"))


@pytest.mark.parametrize("torn", [b"\xe2\x80", b"\xea\xb0", b"\xe9 ", b"\xff"])
def test_english_with_a_torn_letter_stays_unicode(torn):
    assert read("a.txt", b"Guest: it was slow \n" * 30 + torn).endswith("Guest: it was slow")
