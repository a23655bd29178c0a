"""Sockets for an hour at random cuts: every event of every stream has to be read exactly once, by whoever came back.

    python -m dev.bench.soak --sockets 5000 --seconds 3600 --seed 7

The product's own web process with real sessions; one client that closes, resets or half-closes connections and comes
back with `after`. Exits with 1 when anything was lost or doubled. The last line is JSON.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median

from dev.bench.cpu_time import cpu_spent
from dev.bench.relay.client import raise_descriptors, take_core
from dev.bench.relay.home import make_home
from dev.bench.relay.measures import resident_bytes
from dev.bench.relay.servers import CLIENT_CORE, Welno
from dev.bench.results import Metrics, Results
from dev.bench.soak.town import Pace, Town

_SETTLE_SECONDS = 60.0
_SAMPLES = 200
_MIB = 2**20
# Memory is flat when the last quarter weighs no more than this times the second one: the first still fills caches.
_FLAT = 1.05


@dataclass(frozen=True, kw_only=True)
class Plan:
    sockets: int
    seconds: float
    rate: float
    cuts: float
    absence_seconds: float
    seed: int


def read_plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.soak", description=__doc__)
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--rate", type=float, default=200, help="events a second over all streams")
    parser.add_argument("--cuts", type=float, default=20, help="connections cut a second")
    parser.add_argument("--absence-seconds", type=float, default=3, help="longest time until one who was cut is back")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    return Plan(**vars(parser.parse_args(arguments)))


def run(plan: Plan) -> Metrics:
    dice = random.Random(plan.seed)
    with make_home() as home:
        server = Welno(home)
        server.start()
        try:
            server.have(plan.sockets)
            town = Town(server, plan.sockets, dice=dice, absence_seconds=plan.absence_seconds)
            figures = _live(plan, server, town)
            ends = [home.sessions.end(stream).seq for stream in range(plan.sockets)]
        finally:
            server.stop()
    return figures | count(town, ends)


def _live(plan: Plan, server: Welno, town: Town) -> Metrics:
    """Appends and cuts all along; then everybody comes back and reads to the end."""
    samples: list[tuple[float, float]] = []
    serving = server.serving_pid
    every = _SAMPLES / plan.seconds
    sample = Pace(every, lambda: samples.append((time.monotonic(), resident_bytes(serving))))
    with cpu_spent({"cpu": server.pid}) as spent:
        town.live(plan.seconds, [Pace(plan.rate, town.append), Pace(plan.cuts, town.cut), sample])
    came_back = town.live(
        _SETTLE_SECONDS, [], lambda: all(one.socket.seq >= server.seq(one.stream) for one in town.people)
    )
    return {
        "all_came_back": came_back,
        "share_of_one_core": spent["cpu"] / plan.seconds,
        **{f"cut_{kind}": number for kind, number in sorted(town.cuts.items())},
        **{f"ended_by_server_{how}": number for how, number in sorted(town.crowd.goodbyes.items())},
        **describe_memory(samples),
    }


def describe_memory(samples: Sequence[tuple[float, float]]) -> Metrics:
    """The second quarter beside the last, and the slope between."""
    quarter = max(len(samples) // 4, 1)
    second = [size for _, size in samples[quarter : 2 * quarter] or samples]
    last = [size for _, size in samples[-quarter:]]
    later = samples[quarter:]
    slope = linear_regression(*zip(*later, strict=True)).slope if len(later) > 1 else 0.0
    return {
        "memory_second_quarter_mib": median(second) / _MIB,
        "memory_last_quarter_mib": median(last) / _MIB,
        "memory_slope_mib_per_hour": slope * 3600 / _MIB,
        "memory_is_flat": median(last) <= _FLAT * median(second),
    }


def count(town: Town, ends: Sequence[int]) -> Metrics:
    """Per stream, with the stream itself as the truth."""
    for person in town.people:
        person.add_up()
    exact = sum(
        person.events == end and not person.lost and not person.doubled
        for person, end in zip(town.people, ends, strict=True)
    )
    delivered = sum(person.events for person in town.people)
    return {
        "appended": sum(ends),
        "delivered": delivered,
        "delivered_to_appended": delivered / max(sum(ends), 1),
        "streams_not_exact": len(ends) - exact,
        "lost": sum(end - person.socket.seq + person.lost for person, end in zip(town.people, ends, strict=True)),
        "doubled": sum(person.doubled for person in town.people),
    }


def main(arguments: Sequence[str]) -> int:
    plan = read_plan(arguments)
    room = raise_descriptors()
    if plan.sockets > room:
        print(f"this machine lets a process open {room} sockets, not {plan.sockets}", file=sys.stderr)
        return 2
    take_core(CLIENT_CORE)
    figures = run(plan)
    results = Results("soak", vars(plan))
    results.add("soak", figures, f"soak: {vars(plan)}, load {os.getloadavg()[0]:.1f}")
    results.finish()
    return 0 if figures["streams_not_exact"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
