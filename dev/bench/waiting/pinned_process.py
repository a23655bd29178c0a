"""Processes that are measured get one core for themselves; all others share the rest."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from dev.local.programs import ROOT

_CORE = 0


def other_cores() -> set[int]:
    return os.sched_getaffinity(0) - {_CORE} or {_CORE}


@contextmanager
def pinned_process(command: Sequence[str], env: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Killed at the end."""
    process = subprocess.Popen(command, env=dict(env), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, {_CORE})  # at once: its threads and children inherit it
    try:
        yield process
    finally:
        process.kill()
        process.wait()
