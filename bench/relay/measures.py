"""What is measured of one server; each part gives figures by name."""

import itertools
import os
import random
import time
from collections.abc import Sequence

import psutil

from bench.cpu import cpu_spent
from bench.figures import Figures, percentile, spread
from bench.relay.client import ClientError, Crowd, Socket
from bench.relay.plan import Plan
from bench.relay.servers import Server

_WARM_SOCKETS = 200
_GONE_SECONDS = 3
_LOST_AFTER_SECONDS = 30
_MEANWHILE_EVERY, _MEANWHILE_A_SECOND = 10, 100


def resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def measure_crowd(plan: Plan, server: Server, crowd: Crowd) -> Figures:
    """Idle sockets, more and more of them: how fast they are let in, what each weighs, what they cost."""
    figures: Figures = {}
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
    with cpu_spent({"cpu": server.pid}) as spent:
        crowd.run_for(plan.idle_seconds)
    figures[f"idle_percent_of_a_core_{plan.sockets[-1]}"] = spent["cpu"] / max(plan.idle_seconds, 1e-9) * 100
    figures["idle_lost_sockets"] = sum(one.is_closed for one in sockets)
    figures["idle_never_pinged"] = sum(not one.pings for one in sockets)
    crowd.reset(sockets)
    return figures


def _open(server: Server, crowd: Crowd, streams: Sequence[int]) -> list[Socket]:
    return crowd.open([server.ticket(stream) for stream in streams])


def measure_latency(plan: Plan, server: Server, crowd: Crowd, seconds: float) -> Figures:
    """From the begin of the append to the frame read, over as many streams as sockets, which are open already."""
    latencies: list[float] = []
    count = max(round(seconds * plan.rate), 1)
    wanted = crowd.events + count
    crowd.latencies = latencies
    with cpu_spent({"cpu": server.pid}) as spent:
        due = time.monotonic()
        for _ in range(count):
            due += 1 / plan.rate
            while (left := due - time.monotonic()) > 0:
                crowd.turn(left)
            server.append(random.randrange(plan.streams))
        if not crowd.run_until(lambda: crowd.events >= wanted, _LOST_AFTER_SECONDS):
            raise ClientError(f"{server.name}: {wanted - crowd.events} of {count} events did not arrive")
    crowd.latencies = None
    return {**spread(latencies, "latency"), "latency_cpu_us_per_event": spent["cpu"] / count * 1e6}


def measure_fanout(plan: Plan, server: Server, crowd: Crowd, events_at_once: int) -> Figures:
    """To all sockets of one stream, which are open already: the next append follows when all have got the last."""
    name = "single" if events_at_once == 1 else "joined"
    rounds = plan.events if events_at_once == 1 else max(plan.events // 10, 1)
    deliveries = rounds * events_at_once * plan.fanout_sockets
    began, wanted = time.monotonic(), crowd.events
    crowd.is_counting = True
    with cpu_spent({"server": server.pid, "client": os.getpid()}) as spent:
        for _ in range(rounds):
            wanted += events_at_once * plan.fanout_sockets
            server.append(plan.streams, events_at_once)
            if not crowd.run_until(lambda: crowd.events >= wanted, _LOST_AFTER_SECONDS):  # noqa: B023 used at once
                raise ClientError(f"{server.name}: {wanted - crowd.events} deliveries did not arrive")
        seconds = time.monotonic() - began
    crowd.is_counting = False
    return {
        f"fanout_{name}_per_second": deliveries / seconds,
        f"fanout_{name}_cpu_us": spent["server"] / deliveries * 1e6,
        f"fanout_{name}_client_percent": spent["client"] / seconds * 100,
    }


def measure_reconnect(plan: Plan, server: Server, crowd: Crowd) -> Figures:
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
    began = time.monotonic()
    back = [crowd.begin(server.ticket(stream, place)) for stream, place in zip(streams, places, strict=True)]
    for one in back:
        one.wanted = plan.behind
    _append_meanwhile(server, crowd, back, began)
    crowd.run_until(lambda: _is_all_told(server, back), _LOST_AFTER_SECONDS)
    times = [one.wanted_at - began for one in back if one.wanted_at is not None]
    figures = {
        **{f"reconnect_{share}_s": percentile(times, float(share[1:]) / 100) for share in ("p50", "p99")},
        "reconnected_per_second": len(times) / max(times, default=1),
        "reconnect_refused": sum(one.is_closed for one in back),
        "reconnect_lost_events": sum(one.lost + server.seq(stream) - one.seq for stream, one in enumerate(back)),
        "reconnect_doubled_events": sum(one.doubled for one in back),
    }
    if crowd.goodbyes:
        print(f"{server.name}: ended by the server: {dict(crowd.goodbyes)}", flush=True)
    crowd.reset(back)
    crowd.run_for(_GONE_SECONDS)
    return figures


def _append_meanwhile(server: Server, crowd: Crowd, back: Sequence[Socket], began: float) -> None:
    """One more event for some streams, now and then until all sockets have what they had missed."""
    streams = itertools.islice(itertools.count(step=_MEANWHILE_EVERY), len(back) // _MEANWHILE_EVERY)
    due = began
    deadline = began + 2 * _LOST_AFTER_SECONDS
    while time.monotonic() < deadline and any(one.wanted_at is None and not one.is_closed for one in back):
        slice_ends = time.monotonic() + 0.01
        while time.monotonic() < slice_ends:
            crowd.turn(0.01)
        if time.monotonic() > due and (stream := next(streams, None)) is not None:
            due += 1 / _MEANWHILE_A_SECOND
            server.append(stream)


def _is_all_told(server: Server, back: Sequence[Socket]) -> bool:
    return all(one.seq >= server.seq(stream) for stream, one in enumerate(back))
