"""What counts as a recovery, and which faults stand alone."""

import pytest

from dev.bench.chaos.faults import FaultKind, Harm, Injection, Injector
from dev.bench.chaos.history import ChaosHistory, WorkChange, WorkState
from dev.bench.chaos.recovery import NEVER_SECONDS, measure_recoveries, overlaps
from dev.bench.chaos.report import describe_faults

KEY = "7f3b9c52-6d0c-4f6e-9a38-6a2f4a1d6c11"
RUNNING, READY, WAITING, ENDED = WorkState.RUNNING, WorkState.READY, WorkState.WAITING, WorkState.ENDED


class BegunProbe:
    key = KEY


def recoveries_of(injection: Injection, *changes: WorkChange) -> list[float]:
    measure_recoveries(ChaosHistory(injections=[injection], work={KEY: list(changes)}))
    return injection.recoveries


@pytest.mark.parametrize(
    ("held", "later", "expected"),
    [
        # Interrupted, and taken by another.
        (RUNNING, [WorkChange(11, READY, None, 2), WorkChange(12.5, RUNNING, 8, 3)], [2.5]),
        # What it had done just then was committed.
        (RUNNING, [WorkChange(10.1, RUNNING, 7, 1)], []),
        # Another poller asks on.
        (WAITING, [WorkChange(10.4, WAITING, 8, 2)], [0.4]),
        # Nobody ever took it.
        (RUNNING, [], [NEVER_SECONDS]),
    ],
)
def test_work_is_recovered_when_it_runs_again(held: WorkState, later: list[WorkChange], expected: list[float]):
    kill = Injection(FaultKind.WORKER, 10.0, "worker1", frozenset({7}))
    assert recoveries_of(kill, WorkChange(9, held, 7, 1), *later) == pytest.approx(expected)


def test_work_of_others_was_not_interrupted():
    kill = Injection(FaultKind.WORKER, 10.0, "worker1", frozenset({7}))
    assert recoveries_of(kill, WorkChange(9, RUNNING, 8, 1), WorkChange(12, ENDED, None, 2)) == []


def test_a_store_is_expected_back_when_it_is_there_again():
    outage = Injection(FaultKind.POSTGRES_KILLED, 10.0, "postgres", over_at=12.0, probe=BegunProbe())
    assert recoveries_of(outage, WorkChange(12.2, READY, None, 1), WorkChange(12.7, RUNNING, 7, 2)) == [
        pytest.approx(0.7)
    ]


def test_work_of_processes_that_go_on_is_not_interrupted():
    slow = Injection("link_slow", 10.0, "worker-1", frozenset({7}), harm=Harm.HINDERED)
    assert recoveries_of(slow, WorkChange(9, WAITING, 7, 1), WorkChange(12, READY, None, 2)) == []


def test_who_is_missed_at_once_is_measured_from_the_fault_on():
    outage = Injection("valkey_cut", 10.0, "valkey-1", over_at=20.0, probe=BegunProbe(), is_missed_at_once=True)
    assert recoveries_of(outage, WorkChange(12, RUNNING, 7, 2)) == [2.0]


def injected_at(at: float, over_at: float | None = None, recovered_after: float = 1.0) -> Injection:
    return Injection(FaultKind.WORKER, at, "worker1", frozenset({7}), over_at, recoveries=[recovered_after])


@pytest.mark.parametrize(
    ("other", "expected"),
    [(injected_at(12.1), False), (injected_at(10.9), True), (injected_at(5, over_at=10.5), True)],
)
def test_a_fault_is_alone_when_no_other_falls_into_its_recovery(other: Injection, expected: bool):
    one = injected_at(10)
    assert overlaps(one, [one, other]) is expected


def test_each_kind_is_described_with_those_alone_and_its_aim():
    injections = [injected_at(10, recovered_after=3), injected_at(12, recovered_after=2), injected_at(13)]
    faults = {
        str(FaultKind.WORKER): Injector(1, lambda _: None, 2.0),
        str(FaultKind.BEAT): Injector(1, lambda _: None),
    }
    described = describe_faults(injections, faults)
    assert described.keys() == {FaultKind.WORKER}
    assert described[FaultKind.WORKER] == {
        "injected": 3,
        "recoveries": 3,
        "p50_s": 2,
        "p99_s": 3,
        "max_s": 3,
        "alone": 1,
        "alone_p50_s": 1,
        "alone_p99_s": 1,
        "alone_max_s": 1,
        "aim_p99_s": 2.0,
    }


def test_how_long_healing_took_is_told():
    injections = [injected_at(10, over_at=12), injected_at(20, over_at=22)]
    injections[0].heal_seconds, injections[1].heal_seconds = 3.0, 1.0
    described = describe_faults(injections, {str(FaultKind.WORKER): Injector(1, lambda _: None)})[FaultKind.WORKER]
    assert (described["healed_p50_s"], described["healed_max_s"]) == (3.0, 3.0)
