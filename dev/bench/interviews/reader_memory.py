"""What a reader weighs in the web process, beside a Flask generator with a Redis subscription each."""

import asyncio
import time
from collections.abc import Sequence

import psutil

from dev.bench.interviews.http_clients import SseReaders
from dev.bench.results import Metrics

_WARM = 20


async def measure_readers(url: str, path: str, headers: Sequence[str], pid: int) -> Metrics:
    """One header for each reader; the first few come and go before, as what a server does once is no reader's."""
    async with SseReaders(url) as clients:
        await clients.open(path, headers[:_WARM])
    await asyncio.sleep(0.5)
    before = _own_bytes(pid)
    async with SseReaders(url) as clients:
        began = time.monotonic()
        await clients.open(path, headers)
        seconds = time.monotonic() - began
        weight = _own_bytes(pid) - before
    return {
        "readers": len(headers),
        "kib_per_reader": weight / len(headers) / 1024,
        "admitted_per_second": len(headers) / seconds,
    }


def _own_bytes(pid: int) -> int:
    """Of the tree, without what its processes share."""
    root = psutil.Process(pid)
    return sum(int(one.memory_full_info().uss) for one in [root, *root.children(recursive=True)])
