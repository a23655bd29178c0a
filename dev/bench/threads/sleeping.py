"""Threads in which nothing happens, each followed by a socket: what one of them weighs, and whether they disturb."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import aiohttp
import psutil
from sqlalchemy import text

from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics
from dev.bench.threads.clients import ThreadSocket
from dev.bench.threads.pushing import PushLoad, measure_pushes, open_correspondence
from services.threads.audit_chain import FIRST_HEAD

# As they were made once, in one statement: a call for each is not what is measured.
_FILL = text("""
    with made as (
        insert into welno.welno_threads (id, key_state, audit_head, created_by, request_id)
        select translate(trim(trailing '=' from encode(uuid_send(gen_random_uuid()), 'base64')), '+/', '-_'), 'missing',
            :head, :member, gen_random_uuid()
        from generate_series(1, :count) returning id
    ), joined as (
        insert into welno.welno_thread_members (thread_id, member, role) select id, :member, 'owner' from made
    )
    select id from made
""")
# A member's one socket follows as many.
_FOLLOWED = 200


class SleepingBench:
    """`pids` are the processes that do something about threads: whoever serves sockets, and whoever sweeps."""

    def __init__(self, threads: BenchThreads, url: str, pids: Mapping[str, int]) -> None:
        self._threads = threads
        self._url = url
        self._pids = pids

    def run(self, *, count: int, idle_seconds: float, load: PushLoad) -> dict[str, Metrics]:
        sleepers = self._fill(count)
        return asyncio.run(self._run(sleepers, idle_seconds, load))

    def _fill(self, count: int) -> list[tuple[BenchMember, Sequence[str]]]:
        filled = []
        for first in range(0, count, _FOLLOWED):
            member = self._threads.add_member()
            with self._threads.stores.unit_of_work() as work:
                given = {"head": FIRST_HEAD, "member": member.member, "count": min(_FOLLOWED, count - first)}
                filled.append((member, work.session.scalars(_FILL, given).all()))
        return filled

    async def _run(
        self, sleepers: Sequence[tuple[BenchMember, Sequence[str]]], idle_seconds: float, load: PushLoad
    ) -> dict[str, Metrics]:
        quiet = await self._idle(idle_seconds)
        before = self._memory()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            began = time.perf_counter()
            sockets = [await self._follow(http, member, thread_ids) for member, thread_ids in sleepers]
            took = time.perf_counter() - began
            count = sum(socket.followed for socket in sockets)
            weight = {"kib_per_thread": (self._memory() - before) / 1024 / count, "followed_per_s": count / took}
            asleep = await self._idle(idle_seconds)
            talk = open_correspondence(self._threads, load.writers, is_shared=False)
            awake = await measure_pushes(self._url, talk, load, {})
            for socket in sockets:
                await socket.close()
        return {"no thread followed": quiet, f"{count} followed": asleep | weight, "pushes beside them": awake}

    async def _follow(
        self, http: aiohttp.ClientSession, member: BenchMember, thread_ids: Sequence[str]
    ) -> ThreadSocket:
        socket = await ThreadSocket.open(http, self._url, member)
        await socket.follow(thread_ids)
        return socket

    async def _idle(self, seconds: float) -> Metrics:
        """What is done while nothing happens."""
        with cpu_spent(self._pids) as spent:
            await asyncio.sleep(seconds)
        return {f"{name}_cpu_percent": 100 * one / seconds for name, one in spent.items()}

    def _memory(self) -> int:
        root = psutil.Process(self._pids["web"])
        return sum(process.memory_full_info().uss for process in (root, *root.children(recursive=True)))
