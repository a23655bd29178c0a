"""Stored records that `service:welno` sends into threads by a task, beside the same envelopes pushed by clients."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import aiohttp
from sqlalchemy import text

from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics
from dev.bench.threads.clients import ThreadClientFailed, ThreadSocket, push
from services.threads.encoding import SERVICE_MEMBER

# As many as the task writes in one transaction, and no more than a push takes.
_BATCH, _BATCH_BYTES = 50, 700_000
_LENGTHS = text("""
    select octet_length(payload) from welno.welno_thread_items
    where thread_id = :id and type = 'message' order by seq
""")


@dataclass(frozen=True)
class ServedPatient:
    """With a thread of their own, in which the service is."""

    member: BenchMember
    thread_id: str


def measure_service(
    threads: BenchThreads, url: str, pids: Mapping[str, int], *, patients: int, records: int, record_bytes: int
) -> dict[str, Metrics]:
    """All of them ask at once; what is pushed has the lengths of what the service wrote."""
    _send(threads, url, {}, [_open(threads, 1, record_bytes)], 1)  # what a worker does once is not what a record costs
    asked = [_open(threads, records, record_bytes) for _ in range(patients)]
    sent = _send(threads, url, pids, asked, records)
    lengths = [_read_lengths(threads, one.thread_id) for one in asked]
    writers = [threads.add_member() for _ in lengths]
    own = [threads.add_thread(one, []) for one in writers]
    pushed = asyncio.run(_push(url, list(zip(writers, own, lengths, strict=True)), pids))
    return {"sent by the service": sent, "pushed by clients": pushed}


def _open(threads: BenchThreads, records: int, record_bytes: int) -> ServedPatient:
    patient = threads.add_patient(records, record_bytes)
    return ServedPatient(patient, threads.add_served_thread(patient, []))


def _send(
    threads: BenchThreads, url: str, pids: Mapping[str, int], asked: Sequence[ServedPatient], records: int
) -> Metrics:
    found = asyncio.run(_ask(url, asked, records + 1, pids))  # and the summary
    stored = sum(len(_read_lengths(threads, one.thread_id)) for one in asked)
    if stored != len(asked) * (records + 1):
        raise ThreadClientFailed(f"{stored} envelopes of {SERVICE_MEMBER} are there")
    return found


async def _ask(url: str, asked: Sequence[ServedPatient], each: int, pids: Mapping[str, int]) -> Metrics:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        sockets = [await _follow(http, url, one.member, one.thread_id) for one in asked]
        with cpu_spent(pids) as spent:
            began = time.perf_counter()
            await asyncio.gather(*(_ask_for_records(http, url, one) for one in asked))
            await asyncio.gather(*(socket.wait_for(each) for socket in sockets))
            took = time.perf_counter() - began
        for socket in sockets:
            await socket.close()
    return _figures(len(asked) * each, took, spent)


async def _push(
    url: str, writing: Sequence[tuple[BenchMember, str, Sequence[int]]], pids: Mapping[str, int]
) -> Metrics:
    """What is sent is made before: its signatures are the clients' CPU."""
    made = [[writer.device.envelope(own, one) for one in lengths] for writer, own, lengths in writing]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        sockets = [await _follow(http, url, writer, own) for writer, own, _ in writing]
        with cpu_spent(pids) as spent:
            began = time.perf_counter()
            pushes = (_push_all(http, url, one[0], some) for one, some in zip(writing, made, strict=True))
            await asyncio.gather(*pushes)
            await asyncio.gather(*(socket.wait_for(len(some)) for socket, some in zip(sockets, made, strict=True)))
            took = time.perf_counter() - began
        for socket in sockets:
            await socket.close()
    return _figures(sum(map(len, made)), took, spent)


async def _follow(http: aiohttp.ClientSession, url: str, member: BenchMember, thread_id: str) -> ThreadSocket:
    socket = await ThreadSocket.open(http, url, member)
    await socket.follow([thread_id])
    return socket


async def _ask_for_records(http: aiohttp.ClientSession, url: str, asking: ServedPatient) -> None:
    headers = {"Authorization": f"Bearer {asking.member.token}"}
    body = {"what": ["checkups"], "requestId": str(uuid4())}
    path = f"{url}/api/threads/{asking.thread_id}/send-records"
    async with http.post(path, json=body, headers=headers) as reply:
        if reply.status != 202:
            raise ThreadClientFailed(f"records were answered by {reply.status}")


async def _push_all(
    http: aiohttp.ClientSession, url: str, writer: BenchMember, envelopes: Sequence[dict[str, object]]
) -> None:
    longest = max(len(str(one["payload"])) for one in envelopes)
    count = max(1, min(_BATCH, _BATCH_BYTES // longest))
    for first in range(0, len(envelopes), count):
        await push(http, url, writer, envelopes[first : first + count])


def _read_lengths(threads: BenchThreads, thread_id: str) -> list[int]:
    with threads.stores.sessions() as session:
        return list(session.scalars(_LENGTHS, {"id": thread_id}))


def _figures(count: int, took: float, spent: Mapping[str, float]) -> Metrics:
    cpu = {f"{name}_cpu_ms_per_envelope": one * 1000 / count for name, one in spent.items()}
    return {"envelopes": count, "seconds": took, "envelopes_per_s": count / took, **cpu}
