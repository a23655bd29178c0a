"""How long it took until work that a fault had interrupted went on."""

from collections.abc import Mapping, Sequence

from dev.bench.chaos.faults import Injection
from dev.bench.chaos.history import ChaosHistory, WorkChange, WorkState

NEVER_SECONDS = 120.0
_HELD = (WorkState.RUNNING, WorkState.WAITING)


def measure_recoveries(history: ChaosHistory) -> None:
    """Give each injection its recoveries: of all work that it interrupted, and of the probe that followed it."""
    for injection in history.injections:
        since = injection.measured_from
        if injection.interrupts:
            injection.recoveries += [moment - since for moment in _resumed_at(injection, history.work)]
        if injection.probe is not None:
            first = _first_run(history.work.get(injection.probe.key, []))
            injection.recoveries.append(first - since if first is not None else NEVER_SECONDS)


def _resumed_at(injection: Injection, work: Mapping[str, Sequence[WorkChange]]) -> list[float]:
    moments = []
    for changes in work.values():
        before = [change for change in changes if change.at <= injection.at]
        if not before or before[-1].owner_pid not in injection.pids or before[-1].state not in _HELD:
            continue
        held = before[-1]
        later = [change for change in changes[len(before) :] if change.at > injection.at]
        if later and later[0].fence == held.fence and later[0].state != WorkState.WAITING:
            continue  # what it had done just then was committed: nothing was interrupted
        moments.append(next((c.at for c in later if _goes_on(c, held)), injection.at + NEVER_SECONDS))
    return moments


def _goes_on(change: WorkChange, held: WorkChange) -> bool:
    if held.state == WorkState.WAITING:
        return change.fence > held.fence or change.state != WorkState.WAITING
    return change.state == WorkState.ENDED or (change.state == WorkState.RUNNING and change.fence > held.fence + 1)


def _first_run(changes: Sequence[WorkChange]) -> float | None:
    return next((change.at for change in changes if change.state == WorkState.RUNNING), None)


def overlaps(injection: Injection, others: Sequence[Injection]) -> bool:
    """Whether another fault came, or still lasted, while this one was being recovered from."""
    begin, end = injection.at, injection.measured_from + max(injection.recoveries, default=0)
    return any(
        other is not injection and other.at <= end and max(other.at, other.over_at or other.at) >= begin
        for other in others
    )
