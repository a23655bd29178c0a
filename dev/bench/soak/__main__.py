"""Sockets for an hour at random cuts: every event of every stream has to be read exactly once, by whoever came back.

    python -m dev.bench.soak --sockets 5000 --seconds 3600 --seed 7

The product's own web process; one client that closes, resets or half-closes connections and comes back with the number
of the last event it read. Exits with 1 when anything was lost or doubled. The last line is JSON.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.cpu_time import cpu_spent
from dev.bench.relay.measures import resident_bytes
from dev.bench.relay.server_under_test import CLIENT_CORE
from dev.bench.relay.websocket_client import raise_descriptors, take_core
from dev.bench.results import Metrics, Results
from dev.bench.soak.memory import MemorySample, describe_memory
from dev.bench.soak.readers import Readers, Repeated
from dev.bench.soak.workloads import WORKLOADS, SoakWorkload

_SETTLE_SECONDS = 60.0
_SAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class SoakOptions:
    workload: str
    sockets: int
    seconds: float
    rate: float
    cuts: float
    absence_seconds: float
    seed: int


def read_options(arguments: Sequence[str]) -> SoakOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.soak", description=__doc__)
    parser.add_argument("--workload", choices=list(WORKLOADS), default="collection")
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--rate", type=float, default=200, help="events a second over all streams")
    parser.add_argument("--cuts", type=float, default=20, help="connections cut a second")
    parser.add_argument("--absence-seconds", type=float, default=3, help="longest time until one who was cut is back")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    return SoakOptions(**vars(parser.parse_args(arguments)))


def run(options: SoakOptions) -> Metrics:
    """Writes and cuts all along; then everybody comes back and reads to the end."""
    rng = random.Random(options.seed)
    with WORKLOADS[options.workload](options.sockets) as workload:
        readers = Readers(workload, options.sockets, rng=rng, absence_seconds=options.absence_seconds)
        load = _run_load(options, workload, readers, rng)
        came_back = readers.run(_SETTLE_SECONDS, [], readers.have_read_all)
        counts = count_deliveries(readers, [workload.stored(reader) for reader in range(options.sockets)])
    return {
        "all_came_back": came_back,
        **{f"cut_{kind}": number for kind, number in sorted(readers.cuts.items())},
        **{f"ended_by_server_{how}": number for how, number in sorted(readers.clients.ended_by_server.items())},
        **load,
        **counts,
    }


def _run_load(options: SoakOptions, workload: SoakWorkload, readers: Readers, rng: random.Random) -> Metrics:
    samples: list[MemorySample] = []
    serving = workload.serving_pid
    actions = [
        Repeated(options.rate, lambda: workload.write(rng)),
        Repeated(options.cuts, readers.cut_one),
        Repeated(_SAMPLES / options.seconds, lambda: samples.append((time.monotonic(), resident_bytes(serving)))),
    ]
    with cpu_spent({"cpu": workload.pid}) as spent:
        readers.run(options.seconds, actions)
    return {"share_of_one_core": spent["cpu"] / options.seconds, **describe_memory(samples)}


def count_deliveries(readers: Readers, stored: Sequence[int]) -> Metrics:
    """Per reader, with what its stream holds as the truth."""
    for reader in readers.all:
        reader.add_up()
    pairs = list(zip(readers.all, stored, strict=True))
    exact = sum(reader.events == end and not reader.lost and not reader.doubled for reader, end in pairs)
    delivered, written = sum(reader.events for reader in readers.all), sum(stored)
    return {
        "written": written,
        "delivered": delivered,
        "delivered_to_written": delivered / max(written, 1),
        "streams_not_exact": len(pairs) - exact,
        "lost": sum(end - reader.socket.seq + reader.lost for reader, end in pairs),
        "doubled": sum(reader.doubled for reader in readers.all),
    }


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    room = raise_descriptors()
    if options.sockets > room:
        print(f"this machine lets a process open {room} sockets, not {options.sockets}", file=sys.stderr)
        return 2
    take_core(CLIENT_CORE)
    results = Results("soak", vars(options))
    found = run(options)
    results.add("soak", found, f"soak: {vars(options)}, load {os.getloadavg()[0]:.1f}")
    results.finish()
    return 0 if found["streams_not_exact"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
