"""Envelopes pushed over HTTP by writers who never pause, on one thread and on many, and heard by a member's socket."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics, percentiles_ms
from dev.bench.threads.clients import ThreadSocket, push

Batch = list[dict[str, Any]]


@dataclass(frozen=True)
class PushLoad:
    """Each of the writers sends `pushes` batches, one after the other."""

    writers: int
    pushes: int
    batch: int
    payload_bytes: int

    @property
    def envelopes(self) -> int:
        return self.writers * self.pushes * self.batch


@dataclass(frozen=True)
class Correspondence:
    """Writers, and the thread of each; the reader is in all of them."""

    reader: BenchMember
    writers: Sequence[BenchMember]
    thread_ids: Sequence[str]


def open_correspondence(threads: BenchThreads, writers: int, *, is_shared: bool) -> Correspondence:
    """All on one thread, or each on their own."""
    reader, members = threads.add_member(), [threads.add_member() for _ in range(writers)]
    if is_shared:
        return Correspondence(reader, members, [threads.add_thread(reader, members)] * writers)
    return Correspondence(reader, members, [threads.add_thread(reader, [one]) for one in members])


async def measure_pushes(url: str, talk: Correspondence, load: PushLoad, pids: Mapping[str, int]) -> Metrics:
    """What is sent is made before: its signatures are the clients' CPU, not the server's."""
    batches = [
        [[writer.device.envelope(thread_id, load.payload_bytes) for _ in range(load.batch)] for _ in range(load.pushes)]
        for writer, thread_id in zip(talk.writers, talk.thread_ids, strict=True)
    ]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        socket = await ThreadSocket.open(http, url, talk.reader)
        await socket.follow(list(dict.fromkeys(talk.thread_ids)))
        sent: dict[str, float] = {}
        accepted: list[float] = []
        with cpu_spent(pids) as spent:
            began = time.perf_counter()
            writing = (
                _write(http, url, one, own, sent, accepted) for one, own in zip(talk.writers, batches, strict=True)
            )
            await asyncio.gather(*writing)
            taken = time.perf_counter() - began
            await socket.wait_for(load.envelopes)
            heard = time.perf_counter() - began
        await socket.close()
    delivered = [socket.heard[dedupe_id] - moment for dedupe_id, moment in sent.items()]
    found = {"accepted_per_s": load.envelopes / taken, "delivered_per_s": load.envelopes / heard}
    found |= percentiles_ms(accepted, "accepted") | percentiles_ms(delivered, "delivered")
    return found | {f"{name}_cpu_ms_per_envelope": one * 1000 / load.envelopes for name, one in spent.items()}


async def _write(
    http: aiohttp.ClientSession,
    url: str,
    writer: BenchMember,
    batches: Sequence[Batch],
    sent: dict[str, float],
    accepted: list[float],
) -> None:
    for batch in batches:
        began = time.perf_counter()
        sent.update({one["dedupeId"]: began for one in batch})
        await push(http, url, writer, batch)
        accepted.append(time.perf_counter() - began)
