"""The PDF of the trends."""

import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from dev.local.programs import ROOT
from models.patients import Checkup
from services.patients.trend_document import MEASURES, render_trends

STATIC = ROOT / "webapp" / "static"
_NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)


def checkup(year: int | None = 2024, **more: Any) -> Checkup:
    day = date(year, 3, 2) if year else None
    return Checkup(**({"year": year, "checkup_date": day, "location": "한빛검진의원"} | more))


def read(*checkups: Checkup) -> str:
    pages = PdfReader(io.BytesIO(render_trends(checkups, _NOW))).pages
    return "\n".join(page.extract_text() for page in pages)


def test_each_value_stands_with_its_day_and_place() -> None:
    lines = read(checkup(2024, weight_kg=71.5), checkup(2022, weight_kg=70)).splitlines()
    start = lines.index("2022.03.02")
    assert lines[start : start + 6] == ["2022.03.02", "70", "한빛검진의원", "2024.03.02", "71.5", "한빛검진의원"]


def test_the_day_it_was_made_is_koreas() -> None:
    assert "2026.11.26" in read()


def test_what_was_never_measured_is_left_out() -> None:
    text = read(checkup(weight_kg=70))
    assert "체중 (kg)" in text
    assert "혈압" not in text


def test_both_values_of_a_pair_have_a_column_and_one_may_be_missing() -> None:
    lines = read(checkup(2021, systolic_mmhg=118), checkup(2023, systolic_mmhg=121, diastolic_mmhg=79)).splitlines()
    assert lines[lines.index("2021.03.02") + 1 :][:2] == ["118", "한빛검진의원"]
    assert lines[lines.index("2023.03.02") + 1 :][:2] == ["121", "79"]


def test_without_numbers_it_says_so() -> None:
    assert "기록이 없어요" in read(checkup(), checkup(None, weight_kg=70))


@pytest.mark.parametrize("location", ["<b>&amp;", "🏥 \ud7a3", "\x00\x07", "가" * 500])
def test_no_name_of_a_place_breaks_it(location: str) -> None:
    assert "70" in read(checkup(weight_kg=70, location=location))


@pytest.mark.parametrize("years", [(1900, 2026), (2024, 2024), (1, 9999)])
def test_any_years_have_an_axis(years: tuple[int, int]) -> None:
    assert "70" in read(*(Checkup(year=year, location="", weight_kg=70) for year in years))


def test_many_checkups_go_on_over_the_pages() -> None:
    rows = [checkup(year, weight_kg=year / 30) for year in range(1950, 2025)]
    pages = PdfReader(io.BytesIO(render_trends(rows, _NOW))).pages
    assert len(pages) == 2
    assert all("검진일" in page.extract_text() for page in pages)


def test_the_measurements_are_those_of_the_page() -> None:
    """In the same order, with the same names and units."""
    page = (STATIC / "page" / "collection" / "measures.js").read_text()
    single = re.findall(r'\bone\("(\w+)", "([^"]+)", "([^"]+)"', page)
    [(title, unit)] = re.findall(r'title: "([^"]+)",\s+unit: "([^"]+)"', page)
    pair = (tuple(re.findall(r'\["(\w+_mmhg)", "([^"]+)"\]', page)), title, unit)
    drawn = [((measure.lines[0][0], measure.title, measure.unit)) for measure in MEASURES if len(measure.lines) == 1]
    assert drawn == single
    assert [(measure.lines, measure.title, measure.unit) for measure in MEASURES if len(measure.lines) > 1] == [pair]
