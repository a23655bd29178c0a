"""What the model begins with stands where it says that it was read."""

import pytest

from dev.local.programs import ROOT
from dev.sizing import figures as of
from dev.sizing.comparison import POLLER_RUN, WORKER_RUNS

FIGURES = of.all_figures()
READ = [one for one in FIGURES if one.source]
TABLES = [one for one in READ if one.source in {of.MEASURED, of.SETTINGS} and one is not of.FLOOR_CPU]


@pytest.mark.parametrize("figure", READ, ids=lambda one: one.name)
def test_the_row_of_a_figure_is_in_its_file(figure: of.Figure):
    assert figure.quote in (ROOT / figure.source).read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", TABLES, ids=lambda one: one.name)
def test_the_value_of_a_figure_is_in_its_row(figure: of.Figure):
    assert f"{figure.value:g}" in figure.quote.replace(",", "")


def test_the_floor_is_the_sum_of_its_row():
    parts = of.FLOOR_CPU.quote.strip("| ").split(" | ")[1:4]
    assert sum(map(float, parts)) == pytest.approx(of.FLOOR_CPU.value)


def test_a_figure_that_was_not_read_anywhere_has_no_row():
    assert [one.name for one in FIGURES if not one.source and one.quote] == []


def test_no_two_figures_have_one_name():
    assert len({one.name for one in FIGURES}) == len(FIGURES)


@pytest.mark.parametrize("quote", [*(run.quote for run in WORKER_RUNS), *POLLER_RUN.quotes])
def test_the_run_that_is_compared_is_in_the_page(quote: str):
    assert quote in (ROOT / of.MEASURED).read_text(encoding="utf-8")


@pytest.mark.parametrize("run", WORKER_RUNS, ids=lambda run: run.name)
def test_a_run_that_is_compared_has_the_numbers_of_its_row(run):
    numbers = run.quote.strip("| ").split(" | ")[1:5]
    assert list(map(float, numbers)) == [run.worker, run.postgres, run.redis, run.per_second]
