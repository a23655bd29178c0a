"""A reader who comes back to a thread after many envelopes: over the socket, and by pages, from an emptied Redis."""

import asyncio
import time
from collections.abc import Mapping

import aiohttp

from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics
from dev.bench.threads.clients import ThreadClientFailed, ThreadSocket
from services.threads.judging import judge_sender
from services.threads.pushing import commit_push, prepare_push

_BATCH = 100


def measure_catching_up(
    threads: BenchThreads, url: str, pids: Mapping[str, int], *, behind: int, payload_bytes: int
) -> dict[str, Metrics]:
    """Redis would hold the newest of them; emptied, it holds none."""
    member = threads.add_member()
    thread_id = threads.add_thread(member, [])
    _fill(threads, member, thread_id, behind, payload_bytes)
    threads.stores.redis.flushall()
    return {
        "by the socket": asyncio.run(_by_socket(url, member, thread_id, behind, pids)),
        "by pages": asyncio.run(_by_pages(url, member, thread_id, behind, pids)),
    }


def _fill(threads: BenchThreads, member: BenchMember, thread_id: str, count: int, payload_bytes: int) -> None:
    here = threads.stores
    limit = here.settings.threads.payload_max_bytes
    for first in range(0, count, _BATCH):
        some = [member.device.envelope(thread_id, payload_bytes) for _ in range(min(_BATCH, count - first))]
        prepared = prepare_push(here.threads, member.caller, some, limit)
        commit_push(here.threads, prepared, judge_sender(prepared.submissions, prepared.rights))


async def _by_socket(url: str, member: BenchMember, thread_id: str, count: int, pids: Mapping[str, int]) -> Metrics:
    async with aiohttp.ClientSession() as http:
        socket = await ThreadSocket.open(http, url, member)
        with cpu_spent(pids) as spent:
            began = time.perf_counter()
            await socket.follow([thread_id], after="0")
            await socket.wait_for(count + 1)  # and the item of the key
            took = time.perf_counter() - began
        await socket.close()
    return _figures(count, took, spent)


async def _by_pages(url: str, member: BenchMember, thread_id: str, count: int, pids: Mapping[str, int]) -> Metrics:
    read, headers = 0, {"Authorization": f"Bearer {member.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        with cpu_spent(pids) as spent:
            began = time.perf_counter()
            while read < count + 1:
                async with http.get(f"{url}/api/threads/{thread_id}/range?fromSeq={read + 1}") as reply:
                    items = (await reply.json())["items"]
                if [one["seq"] for one in items] != list(range(read + 1, read + len(items) + 1)) or not items:
                    raise ThreadClientFailed(f"a page after {read} begins elsewhere")
                read += len(items)
            took = time.perf_counter() - began
    return _figures(count, took, spent)


def _figures(count: int, took: float, spent: Mapping[str, float]) -> Metrics:
    cpu = {f"{name}_cpu_ms_per_envelope": one * 1000 / count for name, one in spent.items()}
    return {"envelopes": count, "seconds": took, "envelopes_per_s": count / took, **cpu}
