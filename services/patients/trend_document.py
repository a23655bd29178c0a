"""The trends of a person's checkups as a PDF: for each measurement a chart of its values, and all of them in numbers.

The Korean font is one of Adobe's CID fonts, which every PDF viewer brings or replaces; embedding one would add
megabytes to each archive.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from reportlab.graphics.charts.lineplots import LinePlot
from reportlab.graphics.shapes import Drawing
from reportlab.graphics.widgets.markers import makeMarker
from reportlab.lib.colors import Color, HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from models.patients import Checkup

_SEOUL = ZoneInfo("Asia/Seoul")
_FONT = "HYGothic-Medium"
_TITLE = "건강검진 기록의 변화"
_NOTE = (
    "국민건강보험공단에 등록된 건강검진 값이에요. 측정하지 않은 값은 비어 있어요. "
    "진단이나 처방이 아니니, 몸에 이상이 느껴지면 의사와 상담해 주세요."
)
_NOTHING = "숫자로 남은 건강검진 기록이 없어요."
_COLORS = (HexColor("#0b57d0"), HexColor("#b3261e"))
_GREY = HexColor("#5f6368")
_PLACE_CHARACTERS = 30
_MOST_YEAR_LABELS = 12


@dataclass(frozen=True)
class _Measure:
    """`lines`: the column of each line of the chart, with its name."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


def _one(title: str, unit: str, column: str) -> _Measure:
    return _Measure(title, unit, ((column, title),))


MEASURES = (
    _one("체중", "kg", "weight_kg"),
    _one("체질량지수(BMI)", "kg/m²", "bmi"),
    _one("허리둘레", "cm", "waist_cm"),
    _Measure("혈압", "mmHg", (("systolic_mmhg", "수축기(최고)"), ("diastolic_mmhg", "이완기(최저)"))),
    _one("공복혈당", "mg/dL", "fasting_glucose_mg_dl"),
    _one("총콜레스테롤", "mg/dL", "total_cholesterol_mg_dl"),
    _one("LDL 콜레스테롤", "mg/dL", "ldl_mg_dl"),
    _one("HDL 콜레스테롤", "mg/dL", "hdl_mg_dl"),
    _one("중성지방", "mg/dL", "triglycerides_mg_dl"),
    _one("AST(SGOT)", "U/L", "ast_u_l"),
    _one("ALT(SGPT)", "U/L", "alt_u_l"),
    _one("감마지티피(γ-GTP)", "U/L", "gamma_gtp_u_l"),
    _one("혈청 크레아티닌", "mg/dL", "creatinine_mg_dl"),
    _one("신사구체여과율(eGFR)", "mL/min", "gfr"),
    _one("혈색소", "g/dL", "hemoglobin_g_dl"),
)


def render_trends(checkups: Iterable[Checkup], now: datetime) -> bytes:
    """A4 pages. A checkup without a year has no place in time."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    oldest_first = sorted((row for row in checkups if row.year or row.checkup_date), key=_year_of)
    parts = [part for measure in MEASURES for part in _draw_measure(measure, oldest_first)]
    head = [
        Paragraph(_TITLE, _style(18, leading=26)),
        Paragraph(f"만든 날: {now.astimezone(_SEOUL):%Y.%m.%d}", _style(9, color=_GREY)),
        Paragraph(_NOTE, _style(9, color=_GREY)),
        Spacer(0, 6 * mm),
    ]
    written = io.BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        title=_TITLE,
        lang="ko",
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
    )
    document.build([*head, *(parts or [Paragraph(_NOTHING, _style(11))])], onLaterPages=_number, onFirstPage=_number)
    return written.getvalue()


def _draw_measure(measure: _Measure, checkups: Sequence[Checkup]) -> list[Flowable]:
    """Nothing for what was never measured."""
    measured = [row for row in checkups if any(_value_of(row, column) is not None for column, _ in measure.lines)]
    if not measured:
        return []
    heading = Paragraph(f"{escape(measure.title)} ({escape(measure.unit)})", _style(12, leading=18))
    return [KeepTogether([heading, _draw_chart(measure, measured)]), _list_values(measure, measured), Spacer(0, 6 * mm)]


def _draw_chart(measure: _Measure, measured: Sequence[Checkup]) -> Drawing:
    width, height = 172 * mm, 44 * mm
    plot: Any = LinePlot()  # its axes take floats, which its stubs deny
    plot.x, plot.y, plot.width, plot.height = 14 * mm, 8 * mm, width - 20 * mm, height - 12 * mm
    lines = [
        [(_year_of(row), value) for row in measured if (value := _value_of(row, column)) is not None]
        for column, _ in measure.lines
    ]
    plot.data = [line for line in lines if line]
    for number, (line, color) in enumerate(zip(lines, _COLORS, strict=False)):
        if line:
            plot.lines[number].strokeColor = color
            plot.lines[number].symbol = _mark(color)
    years = [year for line in plot.data for year, _ in line]
    values = [value for line in plot.data for _, value in line]
    room = max(max(values) - min(values), abs(max(values)) * 0.1, 1) * 0.25
    first, last = int(min(years)), int(max(years)) + 1
    plot.xValueAxis.valueMin, plot.xValueAxis.valueMax = first, last
    plot.xValueAxis.valueSteps = list(range(first, last + 1, (last - first) // _MOST_YEAR_LABELS + 1))
    plot.xValueAxis.labelTextFormat = "%d"
    plot.yValueAxis.valueMin, plot.yValueAxis.valueMax = max(min(values) - room, 0), max(values) + room
    plot.yValueAxis.labelTextFormat = "%.1f" if room < 1 else "%d"
    drawing = Drawing(width, height)
    drawing.add(plot)
    return drawing


def _mark(color: Color) -> Any:
    return makeMarker("FilledCircle", size=4, fillColor=color, strokeColor=color)  # type: ignore[no-untyped-call]


def _list_values(measure: _Measure, rows: Sequence[Checkup]) -> Table:
    names = [name for _, name in measure.lines] if len(measure.lines) > 1 else ["값"]
    cells = [["검진일", *names, "검진 기관"]]
    for row in rows:
        values = [_value_text(_value_of(row, column)) for column, _ in measure.lines]
        cells.append([_date_text(row), *values, row.location[:_PLACE_CHARACTERS]])
    widths = [28 * mm, *[28 * mm] * len(names), (172 - 28 - 28 * len(names)) * mm]
    style: list[Any] = [
        ("FONT", (0, 0), (-1, -1), _FONT, 9),
        ("TEXTCOLOR", (0, 0), (-1, 0), _GREY),
        ("LINEBELOW", (0, 0), (-1, 0), 0.5, _GREY),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ]
    return Table(cells, colWidths=widths, style=TableStyle(style), repeatRows=1, hAlign="LEFT")


def _year_of(row: Checkup) -> float:
    """With its fraction, as the days of a year have places on the axis."""
    day = row.checkup_date
    if day is None:
        return float(row.year or 0) + 0.5
    return day.year + (day.month - 1) / 12 + (day.day - 1) / 366


def _date_text(row: Checkup) -> str:
    return f"{row.checkup_date:%Y.%m.%d}" if row.checkup_date else f"{row.year}년"


def _value_of(row: Checkup, column: str) -> float | None:
    value = getattr(row, column)
    return None if value is None else float(value)


def _value_text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _style(size: float, *, leading: float | None = None, color: Color = black) -> ParagraphStyle:
    return ParagraphStyle(f"size{size}", fontName=_FONT, fontSize=size, leading=leading or size * 1.5, textColor=color)


def _number(canvas: Any, _: SimpleDocTemplate) -> None:
    canvas.setFont(_FONT, 8)
    canvas.setFillColor(_GREY)
    canvas.drawCentredString(A4[0] / 2, 9 * mm, str(canvas.getPageNumber()))
