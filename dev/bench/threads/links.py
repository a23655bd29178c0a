"""SMART Health Links made and opened over HTTP, beside plain inserts and a plain file of their length."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psycopg2

from dev.bench.chaos.workloads.threads.encrypted_files import make_file
from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics
from dev.bench.threads.clients import ThreadClientFailed
from dev.local.programs import ROOT

_STATIC = ROOT / "webapp" / "static"
# As one would write it first: no owner, no bound, no passcode, nobody who is told who came.
_TABLE = (
    "create schema if not exists bench; create table if not exists bench.links (id bigserial primary key, jwe text)"
)
_INSERT = "insert into bench.links (jwe) values (%s)"
_RECIPIENT = "bench"
_EMBEDDED_ALWAYS, _EMBEDDED_NEVER = 2**30, 0


@dataclass
class LinkMaker:
    """A patient with the files that they encrypted before; `ids` are the links, of one file each."""

    url: str
    member: BenchMember
    files: Sequence[Mapping[str, str]]
    ids: list[str] = field(default_factory=list)

    async def make(self, http: aiohttp.ClientSession) -> None:
        headers = {"Authorization": f"Bearer {self.member.token}"}
        for file in self.files:
            async with http.post(f"{self.url}/api/shl", json={"files": [file]}, headers=headers) as reply:
                if reply.status != 201:
                    raise ThreadClientFailed(f"a link was answered by {reply.status}")
                self.ids.append((await reply.json())["id"])

    async def open_embedded(self, http: aiohttp.ClientSession) -> None:
        for link_id, file in zip(self.ids, self.files, strict=True):
            found = await self._ask(http, link_id, _EMBEDDED_ALWAYS)
            _compare(found["embedded"], file)

    async def open_location(self, http: aiohttp.ClientSession) -> None:
        for link_id, file in zip(self.ids, self.files, strict=True):
            found = await self._ask(http, link_id, _EMBEDDED_NEVER)
            async with http.get(found["location"]) as reply:
                _compare(await reply.text(), file)

    async def _ask(self, http: aiohttp.ClientSession, link_id: str, embedded_max: int) -> Mapping[str, str]:
        body = {"recipient": _RECIPIENT, "embeddedLengthMax": embedded_max}
        async with http.post(f"{self.url}/api/shl/{link_id}", json=body) as reply:
            if reply.status != 200:
                raise ThreadClientFailed(f"a link was opened with {reply.status}")
            [file] = (await reply.json())["files"]
        found: Mapping[str, str] = file
        return found


class LinksBench:
    """`pids` are of the web process and the stores."""

    def __init__(self, threads: BenchThreads, url: str, database_url: str, pids: Mapping[str, int]) -> None:
        self._threads = threads
        self._url = url
        self._database_url = database_url.replace("+psycopg2", "")
        self._pids = pids

    def run(self, *, patients: int, links: int, link_bytes: int) -> dict[str, Metrics]:
        """Each patient one after the other, all patients at once."""
        static = _nearest_static(link_bytes)
        length = static.stat().st_size
        asyncio.run(self._measure(self._make(1, 1, length), static))  # what a server does once is not what a link costs
        makers = self._make(patients, links, length)
        found = asyncio.run(self._measure(makers, static))
        inserted = self._insert([file["jwe"] for one in makers for file in one.files])
        return {"made": found.pop("made"), "inserted plainly": inserted, **found}

    def _make(self, patients: int, links: int, length: int) -> list[LinkMaker]:
        return [
            LinkMaker(self._url, self._threads.add_patient(0, 0), [make_file(length) for _ in range(links)])
            for _ in range(patients)
        ]

    async def _measure(self, makers: Sequence[LinkMaker], static: Path) -> dict[str, Metrics]:
        path = f"{self._url}/static/{static.relative_to(_STATIC)}"
        steps: dict[str, Callable[[LinkMaker, aiohttp.ClientSession], Awaitable[None]]] = {
            "made": LinkMaker.make,
            "opened, embedded": LinkMaker.open_embedded,
            "opened, by a location": LinkMaker.open_location,
            "a plain file served": lambda maker, http: _read_plainly(http, path, len(maker.files)),
        }
        count, length, found = sum(len(one.files) for one in makers), len(makers[0].files[0]["jwe"]), {}
        # The file would be compressed, and what is encrypted cannot be.
        async with aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as http:
            for name, step in steps.items():
                with cpu_spent(self._pids) as spent:
                    began = time.perf_counter()
                    await asyncio.gather(*(step(one, http) for one in makers))
                    took = time.perf_counter() - began
                found[name] = _figures(count, length, took, spent)
        return found

    def _insert(self, files: Sequence[str]) -> Metrics:
        """A commit for each."""
        with closing(psycopg2.connect(self._database_url)) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute(_TABLE)
            with cpu_spent(self._pids) as spent, _own_cpu(spent):
                began = time.perf_counter()
                for file in files:
                    with connection, connection.cursor() as cursor:
                        cursor.execute(_INSERT, (file,))
                took = time.perf_counter() - began
        return _figures(len(files), len(files[0]), took, spent)


@contextmanager
def _own_cpu(spent: dict[str, float]) -> Iterator[None]:
    """Of who inserts, beside that of the stores."""
    began = time.process_time()
    yield
    spent["bench"] = time.process_time() - began


async def _read_plainly(http: aiohttp.ClientSession, path: str, times: int) -> None:
    for _ in range(times):
        async with http.get(path) as reply:
            if reply.status != 200 or not await reply.read():
                raise ThreadClientFailed(f"a plain file was answered by {reply.status}")


def _nearest_static(length: int) -> Path:
    """A file of the pages that is about as long."""
    return min(_STATIC.rglob("*.js"), key=lambda path: (abs(path.stat().st_size - length), path))


def _compare(jwe: str, file: Mapping[str, str]) -> None:
    if jwe != file["jwe"]:
        raise ThreadClientFailed("what was opened is not what was made")


def _figures(count: int, length: int, took: float, spent: Mapping[str, float]) -> Metrics:
    cpu = {f"{name}_cpu_ms_each": one * 1000 / count for name, one in spent.items()}
    return {"count": count, "bytes": length, "seconds": took, "per_s": count / took, **cpu}
