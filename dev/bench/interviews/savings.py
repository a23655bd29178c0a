"""The owner's 98 %: what polling every 30 s and a stream of events cost for the same hour, told in full.

An hour has as many rounds of polls as of pings, and some events. It is gone through as fast as the server can: what is
counted are requests, frames, bytes and CPU, none of which depends on the pauses between.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from dev.bench.cpu_time import cpu_spent
from dev.bench.interviews.company import BenchCompany
from dev.bench.interviews.http_clients import PollClient, SseReaders, at_once
from dev.bench.interviews.web_app import ETAG_WISH
from dev.bench.results import Metrics

_QUICK_PING_SECONDS, _USUAL_PING_SECONDS = 0.05, 30


@dataclass(frozen=True)
class Hour:
    """`rounds` of polls and pings (120 of 30 s), `events` among them, for `readers`."""

    readers: int
    rounds: int
    events: int


class SavingsBench:
    """`pids` are those whose CPU counts."""

    def __init__(self, company: BenchCompany, url: str, pids: Mapping[str, int]) -> None:
        self._company = company
        self._url = url
        self._pids = pids

    def run(self, hour: Hour) -> dict[str, Metrics]:
        self._company.choose_one()
        return {
            "polling": asyncio.run(self._poll(hour, has_etag=False)),
            "polling with ETag": asyncio.run(self._poll(hour, has_etag=True)),
            "SSE": asyncio.run(self._stream(hour)),
        }

    async def _poll(self, hour: Hour, *, has_etag: bool) -> Metrics:
        members = self._company.add_readers(hour.readers)
        wish = f"{ETAG_WISH}: 1\r\n" if has_etag else ""
        path = f"GET /api/projects/{self._company.project_id}/interviews HTTP/1.1\r\nHost: bench\r\n{wish}"
        clients = [PollClient(self._url, path + one.header, has_etag) for one in members]
        try:
            with self._cpu() as cpu:
                for number in range(hour.rounds):
                    for _ in range(_due(hour, number)):
                        await asyncio.to_thread(self._company.change_one)
                    await at_once([client.poll() for client in clients])
        finally:
            for client in clients:
                client.close()
        requests = sum(client.requests for client in clients)
        counted = {"requests": requests, "not_modified": sum(client.not_modified for client in clients)}
        return counted | {"kib": sum(client.received_bytes for client in clients) / 1024} | cpu

    async def _stream(self, hour: Hour) -> Metrics:
        members = self._company.add_readers(hour.readers)
        async with SseReaders(self._url) as clients:
            with self._cpu() as cpu:
                path = f"/api/sse/projects/{self._company.project_id}"
                await clients.open(path, [one.header for one in members])
                for number in range(1, hour.events):
                    await asyncio.to_thread(self._company.change_one)
                    await clients.wait(lambda one, number=number: one.events >= number)  # type: ignore[misc]
                await self._ping_every(_QUICK_PING_SECONDS)
                await asyncio.to_thread(self._company.change_one)  # with it each stream takes up the quick pings
                await clients.wait(lambda one: one.events >= hour.events and one.pings >= hour.rounds)
            await self._ping_every(_USUAL_PING_SECONDS)
            found = clients.all
        return {
            "requests": len(found),
            "events": sum(one.events for one in found),
            "pings": sum(one.pings for one in found),
            "kib": sum(one.received_bytes for one in found) / 1024,
        } | cpu

    async def _ping_every(self, seconds: float) -> None:
        async with httpx.AsyncClient(base_url=self._url) as client:
            (await client.get("/bench/pings", params={"seconds": seconds})).raise_for_status()

    @contextmanager
    def _cpu(self) -> Iterator[Metrics]:
        """Filled at the end."""
        named: Metrics = {}
        with cpu_spent(self._pids) as spent:
            yield named
        named.update({f"{name}_cpu_seconds": seconds for name, seconds in spent.items()})


def _due(hour: Hour, number: int) -> int:
    """How many events lie before this round."""
    return hour.events * (number + 1) // hour.rounds - hour.events * number // hour.rounds


def compare(found: Mapping[str, Metrics], events: int) -> Metrics:
    """What the stream saves of polling, in percent; below nothing where it costs more.

    As the owner counts, an event is one request, however many get it; a message is whatever a browser is sent.
    """
    stream = found["SSE"]
    messages = stream["requests"] + stream["events"] + stream["pings"]
    plain = found["polling"]["requests"]
    compared = {"fewer_requests_as_the_owner_counts_percent": _saved(stream["requests"] + events, plain)}
    for row in ("polling", "polling with ETag"):
        polls, name = found[row], row.replace(" ", "_")
        compared |= {
            f"fewer_messages_than_{name}_percent": _saved(messages, polls["requests"]),
            f"fewer_bytes_than_{name}_percent": _saved(stream["kib"], polls["kib"]),
            f"less_web_cpu_than_{name}_percent": _saved(stream["web_cpu_seconds"], polls["web_cpu_seconds"]),
        }
    return compared


def _saved(part: float, whole: float) -> float:
    return 100 * (1 - part / whole) if whole else 0.0
