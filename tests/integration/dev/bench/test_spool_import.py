"""The bench of the importer: both ways write every row, and both rates are told."""

import json
import tempfile
from pathlib import Path

import pytest

from dev.bench import spool
from dev.bench.figures import Figures
from dev.bench.spool_import import measure_imports

_TINY = ["--small", "4", "--large", "6", "--rounds", "1"]
_RATES = ("import_rows_per_second", "copy_rows_per_second", "copy_by_file_rows_per_second")


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure_imports(6, 1, Path(tempfile.gettempdir()))


def test_every_record_of_every_file_is_counted(figures: Figures):
    # Two sessions of ten checkups and twenty-four treatments each.
    assert figures["import_rows"] == 2 * (10 + 24)


def test_the_ratio_is_that_of_the_two_rates(figures: Figures):
    assert all(figures[name] > 0 for name in _RATES)
    ratio = figures["import_rows_per_second"] / figures["copy_rows_per_second"]
    assert figures["import_to_copy_ratio"] == pytest.approx(ratio)


def test_both_rates_stand_in_the_table_and_in_the_last_line(capsys: pytest.CaptureFixture[str]):
    assert spool.main([*_TINY, "--import-files", "3"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    for name in (*_RATES, "import_to_copy_ratio"):
        assert name in json.loads(last)
        assert any(line.startswith(name.replace("_", " ")) for line in table)


def test_the_import_can_be_left_out(capsys: pytest.CaptureFixture[str]):
    assert spool.main([*_TINY, "--import-files", "0"]) == 0
    assert "import_rows_per_second" not in json.loads(capsys.readouterr().out.splitlines()[-1])
