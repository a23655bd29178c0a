"""Which processes of a shared metrics folder live: gauges of a dead one must not be added up, however it died.

Each web process holds a lock on a file of its own, which the kernel frees when the process ends. A process id alone
does not tell: after a restart, of a container above all, another process may have it.
"""

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

_LIVE_GAUGE = re.compile(r"gauge_live\w+_(\d+)\.db", re.ASCII)
# Open for as long as this process lives: closing it would free the lock.
_held: list[int] = []


def join_metrics(folder: str) -> None:
    """Called by a process before its first metric: what an earlier one of the same id left behind is not its own."""
    handle = _lock(folder, os.getpid())
    if handle is not None:
        _held.append(handle)
        _forget(folder, os.getpid())


def forget_dead(folder: str) -> None:
    """Drop the gauges of all that live no more; their counters stay. May run in several processes at once."""
    ids = {int(match[1]) for path in Path(folder).iterdir() if (match := _LIVE_GAUGE.fullmatch(path.name))}
    for process_id in ids - {os.getpid()}:
        if (handle := _lock(folder, process_id)) is not None:
            _forget(folder, process_id)
            with suppress(FileNotFoundError):
                _lock_file(folder, process_id).unlink()
            os.close(handle)


def _forget(folder: str, process_id: int) -> None:
    with suppress(FileNotFoundError):  # another was faster
        mark_process_dead(process_id, folder)  # type: ignore[no-untyped-call] # the library has no types here


def _lock(folder: str, process_id: int) -> int | None:
    """None when a living process holds it."""
    handle = os.open(_lock_file(folder, process_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _lock_file(folder: str, process_id: int) -> Path:
    return Path(folder) / f"{process_id}.lock"
