"""CPU time of processes with all their children, those that have ended included."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole tree so far."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(map(_own_and_reaped, tree))


def _own_and_reaped(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # The last two are those of children that were waited for: living ones are counted by themselves.
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def cpu_spent(pids: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """Fills the dictionary, at the end, with the seconds that each tree spent meanwhile."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    spent: dict[str, float] = {}
    yield spent
    spent.update({name: cpu_seconds(pid) - before[name] for name, pid in pids.items()})
