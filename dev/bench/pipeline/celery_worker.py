"""A Celery worker of a bench."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev.local.process import Process
from dev.local.programs import ROOT


@contextmanager
def celery_worker(app: str, queue: str, env: Mapping[str, str], log: Path, *, threads: int = 1) -> Iterator[int]:
    """Its pid: of a process with so many threads, at the log level of the product."""
    size = ("--concurrency", str(threads), "--prefetch-multiplier", "1")
    options = (*size, "-n", f"{queue}@bench", "--loglevel", "INFO")
    events = ("-E",) if queue == "collection" else ()  # the chain is not asked to show itself in Flower
    command = (sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue, *events, *options)
    process = Process(queue, command, log, env=dict(env), cwd=ROOT)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.stop()
