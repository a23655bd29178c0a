"""docs/sizing.md tells what the command prints, and nothing else."""

import json
import re
from typing import Any

import pytest

from dev.bench.results import Results
from dev.sizing.__main__ import PAGE, main
from dev.sizing.page import replace_tables, split_tables

TEXT = PAGE.read_text(encoding="utf-8")
NUMBER = re.compile(r"\d[\d,.]*\d|\d")


@pytest.fixture(scope="module")
def printed() -> str:
    """What the command prints, once for all tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout.write", written.append)
        assert main([]) == 0
    return "".join(written)


@pytest.fixture(scope="module")
def found(printed: str) -> dict[str, Any]:
    last: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return last


def test_its_tables_are_those_of_the_command(printed: str):
    assert split_tables(TEXT) == split_tables(printed)


def test_each_number_of_its_text_is_printed(printed: str):
    prose = [line for line in TEXT.splitlines() if not line.startswith("|")]
    told = {number for line in prose for number in NUMBER.findall(line)}
    assert told <= set(NUMBER.findall(printed))


def test_the_last_line_holds_what_the_tables_show(found: dict[str, Any]):
    assert found["bench"] == "sizing"
    assert found["needs"]["web processes"]["country"] > found["needs"]["web processes"]["city"]
    assert found["first_walls"]["country"]["first wall"] == "provider: calls and polls"


def test_no_judged_comparison_is_missed(found: dict[str, Any]):
    verdicts = [cells["within_20_%"] for cells in found["compared"].values()]
    assert verdicts.count("within") == 6
    assert "missed" not in verdicts


def test_tables_are_replaced_in_their_order():
    page = "one\n| a |\n| b |\ntwo\n\n| c |\n"
    assert replace_tables(page, [["| 1 |"], ["| 2 |", "| 3 |"]]) == "one\n| 1 |\ntwo\n\n| 2 |\n| 3 |\n"


def test_a_page_with_other_tables_is_left_alone():
    with pytest.raises(ValueError, match="has 1 tables, not 2"):
        replace_tables("| a |\n", [["| 1 |"], ["| 2 |"]])


def test_a_table_of_words_and_numbers_is_markdown(capsys: pytest.CaptureFixture[str]):
    Results("some", {}).add_markdown("rows", {"first": {"big_one": 12345.6, "word": "", "small": 0.01234}})
    assert split_tables(capsys.readouterr().out) == [
        ["| | big one | word | small |", "| --- | --- | --- | --- |", "| first | 12,346 | | 0.0123 |"]
    ]


def test_a_fresh_run_is_not_written_into_the_page(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--measure", "--write"])
    assert "not allowed with" in capsys.readouterr().err
