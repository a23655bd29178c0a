"""Exports in each format, read again by the readers of that format."""

import csv
import json
from io import BytesIO, StringIO
from typing import Any

import pytest
from openpyxl import load_workbook

from services.interviews.exporting.files import WRITERS, ExportFormat, quote_cell
from services.interviews.exporting.quotes import HEADINGS

FOUND = {"quote": "=2+3 결제가 느려요", "utterance_ids": [4, 5], "verified": True}
INVENTED = {"quote": "없는 말", "utterance_ids": [], "verified": False}


def interview(**changes: Any) -> dict[str, Any]:
    return {
        "title": "@첫 인터뷰",
        "interview_date": "2026-11-20",
        "key_takeaways": ["[이름1]은 결제를 어려워한다", "둘"],
        "takeaway_evidence": [[FOUND], []],
        "primary_pain_points": [{"description": "+느리다\n# 제목 <b>", "evidence": [FOUND, INVENTED]}],
        "primary_needs": None,
        "hmw_questions": ["어떻게 하면?", {"question": "또", "weight": 2}],
        "cleaned_script": [
            {"id": [4, 5], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": "결제가\n느려요"}
        ],
    } | changes


def export(format_: ExportFormat, *interviews: dict[str, Any]) -> bytes:
    return b"".join(WRITERS[format_].write(interviews))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "＝1", "－1", "\r\n=1"])
def test_a_cell_that_could_be_a_formula_is_quoted(text: str):
    assert quote_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "말", "1=1", "a-b", "[이름1]"])
def test_another_cell_stays_as_it_is(text: str):
    assert quote_cell(text) == text


EXPECTED = [
    ("'@첫 인터뷰", "핵심 내용", "[이름1]은 결제를 어려워한다", "'=2+3 결제가 느려요", "4, 5", "확인됨"),
    ("'@첫 인터뷰", "핵심 내용", "둘", None, None, "원문에서 찾지 못함"),
    ("'@첫 인터뷰", "불편", "'+느리다\n# 제목 <b>", "'=2+3 결제가 느려요", "4, 5", "확인됨"),
    ("'@첫 인터뷰", "불편", "'+느리다\n# 제목 <b>", "없는 말", None, "원문에서 찾지 못함"),
]


def test_a_csv_has_a_row_per_quote():
    content = export(ExportFormat.CSV, interview())
    assert content.startswith(b"\xef\xbb\xbf")
    heading, *rows = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
    assert tuple(heading) == HEADINGS
    assert [(row[0], *(cell or None for cell in row[2:])) for row in rows] == EXPECTED


def test_an_xlsx_has_the_same_rows_and_no_formulas():
    content = export(ExportFormat.XLSX, interview(), interview(title="\x00\x0b둘째" + "길" * 40_000))
    sheet = load_workbook(BytesIO(content)).active
    heading, *rows = sheet.iter_rows()
    assert tuple(cell.value for cell in heading) == HEADINGS
    values = [tuple(cell.value for cell in row) for row in rows]
    assert [(row[0], *row[2:]) for row in values[:4]] == EXPECTED
    assert len(values) == 8
    assert {cell.data_type for row in rows for cell in row} <= {"s", "inlineStr", "n"}


def test_rows_of_two_interviews_with_one_title_are_told_apart():
    """The [이름1] of one is not that of the other."""
    titles = ["텍스트 인터뷰", "하나 (2)", "하나", "텍스트 인터뷰", "하나", "텍스트 인터뷰"]
    expected = ["텍스트 인터뷰", "하나 (2)", "하나", "텍스트 인터뷰 (2)", "하나 (3)", "텍스트 인터뷰 (3)"]
    made = [interview(title=title) for title in titles]
    rows = csv.reader(StringIO(export(ExportFormat.CSV, *made).decode("utf-8-sig"), newline=""))
    sheet = load_workbook(BytesIO(export(ExportFormat.XLSX, *made))).active
    for first_cells in ([row[0] for row in rows][1:], [row[0].value for row in sheet.iter_rows()][1:]):
        assert list(dict.fromkeys(first_cells)) == expected


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_holds_what_is_stored(count: int):
    made = [interview(title=str(number)) for number in range(count)]
    assert json.loads(export(ExportFormat.JSON, *made)) == {"interviews": made}


def test_markdown_tells_the_whole_and_no_text_becomes_markup():
    text = export(ExportFormat.MARKDOWN, interview()).decode()
    assert text.splitlines() == [
        "# @첫 인터뷰",
        "",
        "- 날짜: 2026-11-20",
        "",
        "## 핵심 내용",
        "",
        "- [이름1]은 결제를 어려워한다",
        "  - “=2+3 결제가 느려요” (#4, 5)",
        "- 둘",
        "",
        "## 불편",
        "",
        "- +느리다 # 제목 \\<b\\>",
        "  - “=2+3 결제가 느려요” (#4, 5)",
        "  - “없는 말” (원문에서 찾지 못함)",
        "",
        "## 질문 (HMW)",
        "",
        "- 어떻게 하면?",
        "- 또",
        "",
        "## 발화",
        "",
        "- #4, #5 [이름1]: 결제가 느려요",
        "",
    ]


@pytest.mark.parametrize("format_", list(ExportFormat))
def test_an_interview_without_a_result_is_exported_too(format_: ExportFormat):
    nothing = dict.fromkeys(("key_takeaways", "primary_pain_points", "hmw_questions", "cleaned_script"))
    assert export(format_, interview(takeaway_evidence=[], **nothing))
