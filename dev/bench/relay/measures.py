"""What is measured of one server; each part gives figures by name."""

import itertools
import os
import random
import time
from collections.abc import Sequence

import psutil

from dev.bench.cpu_time import cpu_spent_exactly
from dev.bench.relay.client import ClientError, Crowd, Socket
from dev.bench.relay.plan import Plan
from dev.bench.relay.servers import Server
from dev.bench.results import Metrics, percentile, percentiles_ms

_WARM_SOCKETS = 200
_GONE_SECONDS = 3
_FANOUT_SECONDS = 0.5
_LOST_AFTER_SECONDS = 30
_BACK_WITHIN_SECONDS, _RETRY_SECONDS = 60, 1
# Of the streams whose readers come back, every tenth goes on, so many of them each second.
_MEANWHILE_EVERY, _MEANWHILE_AT_ONCE = 10, 100


def resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def measure_crowd(plan: Plan, server: Server, crowd: Crowd) -> Metrics:
    """Idle sockets, more and more of them: how fast they are let in, what each weighs, what they cost."""
    figures: Metrics = {}
    sockets: list[Socket] = []
    server.have(max(plan.sockets))
    crowd.reset(_open(server, crowd, range(min(_WARM_SOCKETS, *plan.sockets))))
    crowd.run_for(_GONE_SECONDS)
    empty = resident_bytes(server.serving_pid)
    for size in plan.sockets:
        began, missing = time.monotonic(), range(len(sockets), size)
        sockets += _open(server, crowd, missing)
        figures[f"accepted_per_second_{size}"] = len(missing) / (time.monotonic() - began)
        crowd.run_for(plan.settle_seconds)
        figures[f"kib_per_socket_{size}"] = (resident_bytes(server.serving_pid) - empty) / len(sockets) / 1024
    with cpu_spent_exactly(server.serving_pid) as spent:
        crowd.run_for(plan.idle_seconds)
    figures[f"idle_percent_of_a_core_{plan.sockets[-1]}"] = spent[0] / max(plan.idle_seconds, 1e-9) * 100
    figures["idle_lost_sockets"] = sum(one.is_closed for one in sockets)
    figures["idle_never_pinged"] = sum(not one.pings for one in sockets)
    crowd.reset(sockets)
    return figures


def _open(server: Server, crowd: Crowd, streams: Sequence[int]) -> list[Socket]:
    return crowd.open([server.ticket(stream) for stream in streams])


def measure_latency(plan: Plan, server: Server, crowd: Crowd, seconds: float) -> Metrics:
    """From the begin of the append to the frame read, over as many streams as sockets, which are open already."""
    latencies: list[float] = []
    appends: list[float] = []
    count = max(round(seconds * plan.rate), 1)
    wanted = crowd.events + count
    crowd.latencies = latencies
    with cpu_spent_exactly(server.serving_pid) as spent:
        due = time.monotonic()
        for _ in range(count):
            due += 1 / plan.rate
            while (left := due - time.monotonic()) > 0:
                crowd.turn(left)
            began = time.monotonic()
            server.append(random.randrange(plan.streams))
            appends.append(time.monotonic() - began)
        if not crowd.run_until(lambda: crowd.events >= wanted, _LOST_AFTER_SECONDS):
            raise ClientError(f"{server.name}: {wanted - crowd.events} of {count} events did not arrive")
    crowd.latencies = None
    times = percentiles_ms(latencies, "latency") | percentiles_ms(appends, "append")
    return {**times, "latency_cpu_us_per_event": spent[0] / count * 1e6}


def measure_fanout(plan: Plan, server: Server, crowd: Crowd, events_at_once: int) -> Metrics:
    """To all sockets of one stream, which are open already: the next append follows when all have got the last."""
    name = "single" if events_at_once == 1 else "joined"
    began, first = time.monotonic(), crowd.events
    wanted, least = first, plan.events * plan.fanout_sockets
    crowd.is_counting = True
    with cpu_spent_exactly(server.serving_pid) as spent, cpu_spent_exactly(os.getpid()) as spent_here:
        while wanted - first < least or time.monotonic() - began < _FANOUT_SECONDS:
            wanted += events_at_once * plan.fanout_sockets
            server.append(plan.streams, events_at_once)
            if not crowd.run_until(lambda: crowd.events >= wanted, _LOST_AFTER_SECONDS):  # noqa: B023 used at once
                raise ClientError(f"{server.name}: {wanted - crowd.events} deliveries did not arrive")
        seconds = time.monotonic() - began
    crowd.is_counting = False
    return {
        f"fanout_{name}_per_second": (wanted - first) / seconds,
        f"fanout_{name}_cpu_us": spent[0] / (wanted - first) * 1e6,
        f"fanout_{name}_client_percent": spent_here[0] / seconds * 100,
    }


def measure_reconnect(plan: Plan, server: Server, crowd: Crowd) -> Metrics:
    """All are cut, miss some events, and come back in the same moment, while some streams go on."""
    streams = range(plan.reconnecting)
    server.have(plan.reconnecting)
    sockets = _open(server, crowd, streams)
    places = [server.seq(stream) for stream in streams]
    for stream in streams:
        server.append(stream, plan.behind)
    if not crowd.run_until(lambda: all(one.events >= plan.behind for one in sockets), _LOST_AFTER_SECONDS):
        raise ClientError(f"{server.name}: events did not arrive")
    crowd.reset(sockets)
    crowd.run_for(_GONE_SECONDS)
    figures = _come_back(plan, server, crowd, places)
    if crowd.goodbyes:
        print(f"{server.name}: ended by the server: {dict(crowd.goodbyes)}", flush=True)
    return figures


def _come_back(plan: Plan, server: Server, crowd: Crowd, places: Sequence[int]) -> Metrics:
    """Whoever is refused tries again after a second, as a browser does, and its time goes on."""
    began, refused = time.monotonic(), 0
    back = [crowd.begin(server.ticket(stream, place)) for stream, place in enumerate(places)]
    for one in back:
        one.wanted = plan.behind
    meanwhile = iter(range(0, len(back), _MEANWHILE_EVERY))
    deadline = began + _BACK_WITHIN_SECONDS
    while time.monotonic() < deadline and not _is_all_told(server, back):
        crowd.run_for(_RETRY_SECONDS / 2)
        for stream in itertools.islice(meanwhile, _MEANWHILE_AT_ONCE):
            server.append(stream)
        crowd.run_for(_RETRY_SECONDS / 2)
        for stream, one in enumerate(back):
            if one.is_closed:
                refused += 1
                back[stream] = crowd.begin(server.ticket(stream, one.seq))
                back[stream].wanted, back[stream].wanted_at = plan.behind - one.events, one.wanted_at
    times = [one.wanted_at - began for one in back if one.wanted_at is not None]
    figures = {
        "reconnect_p50_s": percentile(times, 0.5),
        "reconnect_p99_s": percentile(times, 0.99),
        "reconnected_per_second": len(times) / max(times, default=1),
        "reconnect_refused": refused,
        "reconnect_not_back": len(back) - len(times),
        "reconnect_lost_events": sum(
            one.lost + server.seq(stream) - one.seq for stream, one in enumerate(back) if one.wanted_at is not None
        ),
        "reconnect_doubled_events": sum(one.doubled for one in back),
    }
    crowd.reset(back)
    return figures


def _is_all_told(server: Server, back: Sequence[Socket]) -> bool:
    return all(one.seq >= server.seq(stream) for stream, one in enumerate(back))
