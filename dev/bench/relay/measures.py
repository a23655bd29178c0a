"""What is measured of one server; each part gives its metrics by name."""

import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import psutil
from redis import Redis

from dev.bench.cpu_time import cpu_spent_exactly
from dev.bench.relay.options import RelayOptions
from dev.bench.relay.server_under_test import ServerUnderTest
from dev.bench.relay.websocket_client import ClientError, ClientLoop, ClientSocket
from dev.bench.results import Metrics, percentile, percentiles_ms

_WARM_SOCKETS = 200
_FANOUT_SECONDS = 0.5
_LOST_SECONDS = 30
_ALL_BACK_SECONDS, _RETRY_SECONDS = 60, 1
# Of the streams whose readers come back, every tenth goes on, so many of them each second.
_MEANWHILE_EVERY, _MEANWHILE_AT_ONCE = 10, 100


def resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


@contextmanager
def scripts_run(redis: Redis) -> Iterator[Counter[str]]:
    """How many scripts Redis carries out meanwhile, and for how many microseconds. Of our own idle sockets those are
    renewals of their leases, and comparisons of their positions."""
    counted: Counter[str] = Counter()
    counted.subtract(_read_script_counts(redis))
    yield counted
    counted.update(_read_script_counts(redis))


def _read_script_counts(redis: Redis) -> dict[str, int]:
    found = cast(dict[str, dict[str, int]], redis.info("commandstats")).get("cmdstat_evalsha", {})
    return {name: found.get(name, 0) for name in ("calls", "usec")}


def measure_idle(options: RelayOptions, server: ServerUnderTest, clients: ClientLoop) -> Metrics:
    """Idle sockets, more and more of them: how fast they are let in, what each weighs, what they cost."""
    metrics: Metrics = {}
    sockets: list[ClientSocket] = []
    server.create_streams(max(options.sockets))
    empty = _warm_up(options, server, clients, min(options.sockets))
    for size in options.sockets:
        began, missing = time.monotonic(), range(len(sockets), size)
        sockets += _open(server, clients, missing)
        metrics[f"accepted_per_second_{size}"] = len(missing) / (time.monotonic() - began)
        clients.run_for(options.settle_seconds)
        metrics[f"kib_per_socket_{size}"] = (resident_bytes(server.serving_pid) - empty) / len(sockets) / 1024
    with cpu_spent_exactly(server.serving_pid) as spent, scripts_run(server.testbed.redis) as scripts:
        clients.run_for(options.idle_seconds)
    seconds = max(options.idle_seconds, 1e-9)
    metrics["idle_script_calls_per_second"] = scripts["calls"] / seconds
    metrics["idle_script_ms_per_second"] = scripts["usec"] / 1000 / seconds
    metrics[f"idle_percent_of_a_core_{options.sockets[-1]}"] = spent[0] / seconds * 100
    metrics["idle_lost_sockets"] = sum(one.is_closed for one in sockets)
    metrics["idle_never_pinged"] = sum(not one.pings for one in sockets)
    clients.reset(sockets)
    return metrics


def _warm_up(options: RelayOptions, server: ServerUnderTest, clients: ClientLoop, streams: int) -> int:
    """Some sockets come and go; the bytes that the server holds then."""
    clients.reset(_open(server, clients, range(min(_WARM_SOCKETS, streams))))
    clients.run_for(options.closed_seconds)
    return resident_bytes(server.serving_pid)


def _open(server: ServerUnderTest, clients: ClientLoop, streams: Sequence[int]) -> list[ClientSocket]:
    return clients.open([server.connect_request(stream) for stream in streams])


def measure_latency(options: RelayOptions, server: ServerUnderTest, clients: ClientLoop, seconds: float) -> Metrics:
    """From the begin of the append to the frame read, over as many streams as sockets, which are open already."""
    appends: list[float] = []
    count = max(round(seconds * options.rate), 1)
    wanted = clients.events + count
    with cpu_spent_exactly(server.serving_pid) as spent, clients.timing() as latencies:
        due = time.monotonic()
        for _ in range(count):
            due += 1 / options.rate
            while (left := due - time.monotonic()) > 0:
                clients.poll(left)
            began = time.monotonic()
            server.append(random.randrange(options.streams))
            appends.append(time.monotonic() - began)
        if not clients.run_until(lambda: clients.events >= wanted, _LOST_SECONDS):
            raise ClientError(f"{server.name}: {wanted - clients.events} of {count} events did not arrive")
    times = percentiles_ms(latencies, "latency") | percentiles_ms(appends, "append")
    return {**times, "latency_cpu_us_per_event": spent[0] / count * 1e6}


def measure_fanout(
    options: RelayOptions, server: ServerUnderTest, clients: ClientLoop, events_at_once: float
) -> Metrics:
    """To all sockets of one stream, which are open already: the next append follows when all have got the last."""
    at_once = int(events_at_once)
    name = "single" if at_once == 1 else "joined"
    began, first = time.monotonic(), clients.events
    wanted, least = first, options.events * options.fanout_sockets
    with (
        cpu_spent_exactly(server.serving_pid) as spent,
        cpu_spent_exactly(os.getpid()) as spent_here,
        clients.counting(),
    ):
        while wanted - first < least or time.monotonic() - began < _FANOUT_SECONDS:
            wanted += at_once * options.fanout_sockets
            server.append(options.streams, at_once)
            if not clients.run_until(lambda: clients.events >= wanted, _LOST_SECONDS):  # noqa: B023 used at once
                raise ClientError(f"{server.name}: {wanted - clients.events} deliveries did not arrive")
        seconds = time.monotonic() - began
    return {
        f"fanout_{name}_per_second": (wanted - first) / seconds,
        f"fanout_{name}_cpu_us": spent[0] / (wanted - first) * 1e6,
        f"fanout_{name}_client_percent": spent_here[0] / seconds * 100,
    }


def measure_reconnect(options: RelayOptions, server: ServerUnderTest, clients: ClientLoop) -> Metrics:
    """All are cut, miss some events, and come back in the same moment, while some streams go on."""
    streams = range(options.reconnecting)
    server.create_streams(options.reconnecting)
    empty = _warm_up(options, server, clients, options.reconnecting)
    sockets = _open(server, clients, streams)
    places = [server.last_seq(stream) for stream in streams]
    for stream in streams:
        server.append(stream, options.behind)
    if not clients.run_until(lambda: all(one.events >= options.behind for one in sockets), _LOST_SECONDS):
        raise ClientError(f"{server.name}: events did not arrive")
    clients.reset(sockets)
    clients.run_for(options.closed_seconds)
    back, metrics = _come_back(options, server, clients, places)
    # After all have connected at once, which leaves more behind than one after another does.
    metrics["reconnect_kib_per_socket"] = (resident_bytes(server.serving_pid) - empty) / options.reconnecting / 1024
    clients.reset(back)
    if clients.ended_by_server:
        print(f"{server.name}: ended by the server: {dict(clients.ended_by_server)}", flush=True)
    return metrics


def _come_back(
    options: RelayOptions, server: ServerUnderTest, clients: ClientLoop, places: Sequence[int]
) -> tuple[list[ClientSocket], Metrics]:
    """Whoever is refused tries again after a second, as a browser does, and its time goes on."""
    began, refused = time.monotonic(), 0
    back = [clients.connect(server.connect_request(stream, place)) for stream, place in enumerate(places)]
    for one in back:
        one.awaited = options.behind
    meanwhile = iter(range(0, len(back), _MEANWHILE_EVERY))
    deadline = began + _ALL_BACK_SECONDS
    while time.monotonic() < deadline and not _have_all_read(server, back):
        clients.run_for(_RETRY_SECONDS / 2)
        for stream in itertools.islice(meanwhile, _MEANWHILE_AT_ONCE):
            server.append(stream)
        clients.run_for(_RETRY_SECONDS / 2)
        for stream, one in enumerate(back):
            if one.is_closed:
                refused += 1
                back[stream] = clients.connect(server.connect_request(stream, one.seq))
                back[stream].awaited, back[stream].awaited_at = options.behind - one.events, one.awaited_at
    times = [one.awaited_at - began for one in back if one.awaited_at is not None]
    metrics = {
        "reconnect_p50_s": percentile(times, 0.5),
        "reconnect_p99_s": percentile(times, 0.99),
        "reconnected_per_second": len(times) / max(times, default=1),
        "reconnect_refused": refused,
        "reconnect_not_back": len(back) - len(times),
        "reconnect_lost_events": sum(
            one.lost + server.last_seq(stream) - one.seq
            for stream, one in enumerate(back)
            if one.awaited_at is not None
        ),
        "reconnect_doubled_events": sum(one.doubled for one in back),
    }
    return back, metrics


def _have_all_read(server: ServerUnderTest, back: Sequence[ClientSocket]) -> bool:
    return all(one.seq >= server.last_seq(stream) for stream, one in enumerate(back))
