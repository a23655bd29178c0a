"""From the commit to the other browsers, with many connected; beside it a publish of redis-py alone, the floor."""

import asyncio
import threading
import time

import redis

from dev.bench.interviews.company import BenchCompany
from dev.bench.interviews.http_clients import SseReaders
from dev.bench.results import Metrics, percentiles_ms

_CHANNEL, _SILENCE_SECONDS = "bench:floor", 1.0
_PAUSE_SECONDS = 0.02


async def measure_push(company: BenchCompany, url: str, *, readers: int, events: int) -> Metrics:
    """To each of the readers, and to the last of them. The clock runs from the moment before the commit."""
    company.choose_one()
    to_each: list[float] = []
    to_last: list[float] = []
    async with SseReaders(url) as clients:
        members = company.add_readers(readers)
        await clients.open(f"/api/sse/projects/{company.project_id}", [one.header for one in members])
        for number in range(1, events + 1):
            began = await asyncio.to_thread(_change, company)
            await clients.wait(lambda one, number=number: one.events >= number)  # type: ignore[misc]
            late = [max(one.heard.values()) - began for one in clients.all]
            to_each += late
            to_last.append(max(late))
            await asyncio.sleep(_PAUSE_SECONDS)
    return percentiles_ms(to_each, "push") | percentiles_ms(to_last, "push_to_last")


def _change(company: BenchCompany) -> float:
    """The moment before."""
    began = time.monotonic()
    company.change_one()
    return began


def measure_publish(redis_url: str, *, events: int) -> Metrics:
    """From one thread to another, each with a connection of its own."""
    latencies: list[float] = []
    heard = threading.Event()
    with redis.Redis.from_url(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(_CHANNEL)
        subscription.get_message(timeout=_SILENCE_SECONDS)

        def listen() -> None:
            while len(latencies) < events:
                message = subscription.get_message(timeout=_SILENCE_SECONDS)
                if message is not None:
                    latencies.append(time.monotonic() - float(message["data"]))
                    heard.set()

        listener = threading.Thread(target=listen)
        listener.start()
        for _ in range(events):
            heard.clear()
            client.publish(_CHANNEL, repr(time.monotonic()))
            heard.wait(_SILENCE_SECONDS)
        listener.join()
    return percentiles_ms(latencies, "push")
