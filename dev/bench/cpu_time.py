"""CPU time of processes: of whole trees by the kernel's ticks, of one process by the scheduler's own count."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole tree so far, those that have ended included."""
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


@contextmanager
def cpu_spent_exactly(pid: int) -> Iterator[list[float]]:
    """Appends, at the end, the seconds that this process alone spent meanwhile; ticks of 10 ms are too coarse for short
    measurements."""
    before = _cpu_nanoseconds(pid)
    spent: list[float] = []
    yield spent
    spent.append((_cpu_nanoseconds(pid) - before) / 1e9)


def _cpu_nanoseconds(pid: int) -> int:
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread may have ended meanwhile
            total += int(thread.read_text().split()[0])
    return total
