"""What a process counts of the projects' streams, and several together."""

import pytest

from webapp.api.interviews.stream_counts import StreamCounts, SummedCounts


class Now:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


def summed(now: Now, *counts: StreamCounts) -> SummedCounts:
    return SummedCounts.of_json(now(), [one.to_json() for one in counts])


def test_rates_are_of_all_processes_together(now: Now):
    here, there = StreamCounts(now), StreamCounts(now)
    for counts in (here, there):
        counts.note_reconnect()
        counts.note_received(15)
        counts.note_sent(None)
    found = summed(now, here, there)
    assert found.per_minute("reconnects") == pytest.approx({"1m": 2, "5m": 0.4, "15m": 2 / 15})
    assert found.per_second("received") == pytest.approx({"1m": 0.5, "5m": 0.1, "15m": 1 / 30})


def test_a_window_forgets_what_lies_before_it(now: Now):
    counts = StreamCounts(now)
    counts.note_received(60)
    now.seconds += 61
    assert summed(now, counts).per_second("received") == pytest.approx({"1m": 0, "5m": 0.2, "15m": 60 / 900})
    now.seconds += 900
    assert len(counts.to_json()) == 1


def test_a_process_that_stands_still_is_not_counted_for_ever(now: Now):
    counts = StreamCounts(now)
    counts.note_received(60)
    told = counts.to_json()
    now.seconds += 901
    assert set(SummedCounts.of_json(now(), [told]).per_second("received").values()) == {0}


def test_percentiles_are_told_a_fifth_too_high_at_most(now: Now):
    counts = StreamCounts(now)
    for milliseconds in range(1, 101):
        counts.note_sent(milliseconds / 1000)
    found = summed(now, counts).delays_ms()
    for share, true in (("p50", 50), ("p95", 95), ("p99", 99)):
        assert true <= (found[share] or 0) <= true * 1.2


def test_without_an_event_there_is_no_percentile(now: Now):
    assert summed(now, StreamCounts(now)).delays_ms() == {"p50": None, "p95": None, "p99": None}


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e9])
def test_every_delay_has_a_place(now: Now, seconds: float):
    counts = StreamCounts(now)
    counts.note_sent(seconds)
    assert summed(now, counts).delays_ms()["p99"] is not None
