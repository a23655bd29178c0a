"""What a bench prints: every figure of its tables stands in its last line too, under the same name."""

import json

import pytest

from dev.bench.results import Results, medians, percentile

ROWS = {"ours": {"latency_ms": 1.23456789, "sent": 7}, "theirs": {"latency_ms": 2.0, "cpu_ms": 3.5}}


def printed(capsys: pytest.CaptureFixture[str], results: Results) -> tuple[list[str], dict[str, object]]:
    results.finish()
    *table, last = capsys.readouterr().out.splitlines()
    return table, json.loads(last)


def test_a_section_stands_in_the_table_and_in_the_last_line(capsys: pytest.CaptureFixture[str]):
    results = Results("some", {"size": 3})
    results.add("files", {"saved_per_second": 1234.5})
    table, last = printed(capsys, results)
    assert [line.split() for line in table if "saved" in line] == [["saved", "per", "second", "1,234.50"]]
    assert last == {"bench": "some", "options": {"size": 3}, "files": {"saved_per_second": 1234.5}}


def test_a_row_has_an_empty_cell_for_what_it_has_not(capsys: pytest.CaptureFixture[str]):
    results = Results("some", {})
    results.add_table("methods", ROWS)
    table, last = printed(capsys, results)
    assert [line.split() for line in table if line] == [
        ["latency", "ms", "sent", "cpu", "ms"],
        ["ours", "1.23", "7.00"],
        ["theirs", "2.00", "3.50"],
    ]
    assert last["methods"] == {"ours": {"latency_ms": 1.234568, "sent": 7}, "theirs": ROWS["theirs"]}


def test_no_column_is_lost_between_the_tables(capsys: pytest.CaptureFixture[str]):
    results = Results("some", {})
    results.add_table("methods", ROWS, prefixes=("latency", "absent"))
    table, _ = printed(capsys, results)
    assert [line.split()[0] for line in table if line] == ["latency", "ours", "theirs", "sent", "ours", "theirs"]


def test_a_section_is_told_once():
    results = Results("some", {})
    results.add("files", {})
    with pytest.raises(ValueError, match="files"):
        results.add_table("files", {})


@pytest.mark.parametrize(("share", "expected"), [(0, 1), (0.5, 3), (0.99, 4), (1, 4)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float):
    assert percentile([4, 1, 3, 2], share) == expected


def test_a_percentile_of_nothing_is_nothing():
    assert percentile([], 0.5) == 0


def test_each_figure_has_a_median_of_its_own():
    assert medians([{"a": 1, "b": 9}, {"a": 3, "b": 7}, {"a": 2, "b": 8}]) == {"a": 2, "b": 8}


def test_table_and_json_round_alike(capsys: pytest.CaptureFixture[str]):
    results = Results("some", {})
    results.add("cpu", {"share": 0.0349999999})
    results.add_table("peers", {"ours": {"share": 0.0349999999}})
    results.finish()
    *table, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert found["cpu"] == found["peers"]["ours"] == {"share": 0.035}
    assert sum(f"{0.035:.2f}" in line for line in table) == 2
