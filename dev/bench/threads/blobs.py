"""Pictures and reports over HTTP: sent in parts by several members at once, completed, read whole and in ranges."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

import aiohttp

from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics
from dev.bench.threads.clients import ThreadClientFailed
from services.threads.encoding import hash_bytes

_MIB = 1024 * 1024
_RANGE_BYTES = 64 * 1024


@dataclass(frozen=True)
class _Upload:
    """One member's."""

    url: str
    member: BenchMember
    content: bytes

    async def put(self, http: aiohttp.ClientSession) -> None:
        for number, at in enumerate(range(0, len(self.content), _MIB), start=1):
            await self._ask(http, "PUT", f"/parts/{number}", data=self.content[at : at + _MIB])

    async def complete(self, http: aiohttp.ClientSession) -> None:
        parts = -(-len(self.content) // _MIB)
        await self._ask(http, "POST", "/complete", json={"parts": parts, "sealedHash": hash_bytes(self.content)})

    async def read(self, http: aiohttp.ClientSession) -> None:
        if await self._ask(http, "GET") != self.content:
            raise ThreadClientFailed("what was read is not what was put up")

    async def read_ranges(self, http: aiohttp.ClientSession) -> None:
        for first in range(0, len(self.content), _MIB):
            end = min(first + _RANGE_BYTES, len(self.content))
            found = await self._ask(http, "GET", headers={"Range": f"bytes={first}-{end - 1}"})
            if found != self.content[first:end]:
                raise ThreadClientFailed(f"a range at {first} is another")

    async def _ask(self, http: aiohttp.ClientSession, method: str, path: str = "", **more: object) -> bytes:
        headers = {"Authorization": f"Bearer {self.member.token}", **more.pop("headers", {})}  # type: ignore[dict-item]
        async with http.request(method, f"{self.url}{path}", headers=headers, **more) as reply:  # type: ignore[arg-type]
            if not reply.ok:
                raise ThreadClientFailed(f"{method} of a blob: {reply.status}")
            return await reply.read()


def measure_blobs(
    threads: BenchThreads, url: str, pids: Mapping[str, int], *, writers: int, blob_mib: int
) -> dict[str, Metrics]:
    """Each on a thread of their own."""
    uploads = [_open_upload(threads, url, blob_mib * _MIB) for _ in range(writers)]
    return asyncio.run(_measure(uploads, pids))


def _open_upload(threads: BenchThreads, url: str, length: int) -> _Upload:
    member = threads.add_member()
    thread_id = threads.add_thread(member, [])
    return _Upload(f"{url}/api/threads/{thread_id}/blobs/{uuid4()}", member, os.urandom(length))


async def _measure(uploads: list[_Upload], pids: Mapping[str, int]) -> dict[str, Metrics]:
    steps: dict[str, Callable[[_Upload, aiohttp.ClientSession], Awaitable[None]]] = {
        "put in parts": _Upload.put,
        "completed": _Upload.complete,
        "read whole": _Upload.read,
        "read in ranges": _Upload.read_ranges,
    }
    found: dict[str, Metrics] = {}
    mib = sum(len(one.content) for one in uploads) / _MIB
    async with aiohttp.ClientSession() as http:
        for name, step in steps.items():
            with cpu_spent(pids) as spent:
                began = time.perf_counter()
                await asyncio.gather(*(step(one, http) for one in uploads))
                took = time.perf_counter() - began
            cpu = {f"{process}_cpu_ms_per_mib": one * 1000 / mib for process, one in spent.items()}
            found[name] = {"mib": mib, "seconds": took, "mib_per_s": mib / took, **cpu}
    return found
