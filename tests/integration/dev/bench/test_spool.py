"""The bench of the spool: saving, claiming, and both ways into PostgreSQL."""

import tempfile
from pathlib import Path

import pytest

from dev.bench.results import Metrics
from dev.bench.spool.imports import measure_imports
from tests.integration.dev.bench.running import run_bench

TINY = "--small 4 --large 6 --rounds 1"
RATES = ("import_rows_per_second", "copy_rows_per_second", "copy_by_file_rows_per_second")


@pytest.fixture(scope="module")
def imports() -> Metrics:
    return measure_imports(6, 1, Path(tempfile.gettempdir()))


def test_every_record_of_every_file_is_counted(imports: Metrics):
    # Two sessions of ten checkups and twenty-four treatments each.
    assert imports["import_rows"] == 2 * (10 + 24)


def test_the_ratio_is_that_of_the_two_rates(imports: Metrics):
    assert all(imports[name] > 0 for name in RATES)
    ratio = imports["import_rows_per_second"] / imports["copy_rows_per_second"]
    assert imports["import_to_copy_ratio"] == pytest.approx(ratio)


def test_files_and_imports_are_measured():
    found = run_bench("dev.bench.spool", f"{TINY} --import-files 3")
    assert found["files"]["saved_packages_per_second"] > 0
    assert found["imports"].keys() >= {*RATES, "import_to_copy_ratio"}


def test_the_import_can_be_left_out():
    assert "imports" not in run_bench("dev.bench.spool", f"{TINY} --import-files 0")
