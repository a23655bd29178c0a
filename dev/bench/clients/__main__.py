"""Measures the clients and parsers that are written by hand beside the libraries that do the same.

    python -m dev.bench.clients --messages 20000 --commands 12000 --exchanges 4000 --rounds 5

CPU of the process that does the work, in microseconds for each message, command or exchange: WebSocket frames, Redis'
pub/sub, Redis commands of concurrent callers in a gevent process, HTTP responses and exchanges. And how long after an
outage of the broker a consumer is connected again. The peers take turns; medians of the rounds. Prints a table and, as
the last line, the same figures as JSON. The decision records in docs/decisions quote it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import redis
from kombu.connection import Connection

from dev.bench.clients.loads import CHANNEL, LOADS
from dev.bench.results import Metrics, Results, medians
from dev.bench.waiting.provider_process import ProviderProcess
from dev.local.programs import ROOT
from dev.local.valkey import EmbeddedValkey
from tasks.broker import FastReconnectConnection

_CORE = 0
_PUBLISHED_AT_ONCE = 50
_EVENT = b"x" * 300
_PLAIN = "import sys; from dev.bench.clients.loads import main; sys.exit(main())"
_AS_WEB = ("pubsub", "commands")
# As a web process is: everything patched before anything is imported.
_PATCHED = f"from gevent import monkey; monkey.patch_all(); {_PLAIN}"


@dataclass(frozen=True)
class ClientsOptions:
    messages: int
    commands: int
    exchanges: int
    rounds: int
    outage_seconds: float


def read_options(arguments: Sequence[str]) -> ClientsOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.clients", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="frames, published messages and responses")
    parser.add_argument("--commands", type=int, default=12_000)
    parser.add_argument("--exchanges", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--outage-seconds", type=float, default=13, help="of the broker")
    return ClientsOptions(**vars(parser.parse_args(arguments)))


def run(options: ClientsOptions) -> dict[str, Metrics]:
    """By kind of load and peer, such as `frames own`."""
    with (
        tempfile.TemporaryDirectory(prefix="welno-bench-") as folder,
        EmbeddedValkey(Path(folder), appendonly=False) as valkey,
        closing(ProviderProcess("bench")) as provider,
    ):
        with LoadHost(_PLAIN) as plain, LoadHost(_PATCHED) as patched:
            hosts = {name: patched if name.startswith(_AS_WEB) else plain for name in LOADS}
            rounds = [_measure_round(options, hosts, valkey.url, provider.url) for _ in range(options.rounds)]
        rows = {name: medians([one[name] for one in rounds]) for name in rounds[0]}
        return rows | _measure_outage(valkey, options.outage_seconds)


class LoadHost:
    """A process that forks one for each load, on one core."""

    def __init__(self, code: str) -> None:
        self._host = subprocess.Popen(
            (sys.executable, "-c", code), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        os.sched_setaffinity(self._host.pid, {_CORE})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.communicate()

    def measure(self, name: str, url: str, count: int, *, publish: bool) -> Metrics:
        assert self._host.stdin is not None
        assert self._host.stdout is not None
        print(json.dumps([name, url, count]), file=self._host.stdin, flush=True)
        if publish:
            self._host.stdout.readline()  # it listens
            _publish(url, count)
        metrics: Metrics = json.loads(self._host.stdout.readline())
        return metrics


def _measure_round(
    options: ClientsOptions, hosts: Mapping[str, LoadHost], redis_url: str, provider_url: str
) -> dict[str, Metrics]:
    rows: dict[str, Metrics] = {}
    for name in LOADS:
        kind = name.partition(" ")[0]
        url = provider_url if kind == "exchanges" else redis_url
        count = {"commands": options.commands, "exchanges": options.exchanges}.get(kind, options.messages)
        rows[name] = hosts[name].measure(name, url, count, publish=kind == "pubsub")
    return rows


def _publish(url: str, count: int) -> None:
    with redis.Redis.from_url(url) as client:
        for start in range(0, count, _PUBLISHED_AT_ONCE):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(min(_PUBLISHED_AT_ONCE, count - start)):
                    pipe.publish(CHANNEL, _EVENT)
                pipe.execute()


def _measure_outage(valkey: EmbeddedValkey, seconds: float) -> dict[str, Metrics]:
    """Both wait for the same broker, as a worker does."""
    valkey.kill()
    connected: dict[str, float] = {}

    def connect(name: str, connection: Connection) -> None:
        connection.ensure_connection(lambda _exc, _interval: None, None)
        connected[name] = time.monotonic()
        connection.release()

    waiting = [
        threading.Thread(target=connect, args=peer)
        for peer in (
            ("outage own", FastReconnectConnection(valkey.url)),  # type: ignore[no-untyped-call] # no types there
            ("outage kombu", Connection(valkey.url)),
        )
    ]
    for thread in waiting:
        thread.start()
    time.sleep(seconds)
    valkey.start()
    back = time.monotonic()
    for thread in waiting:
        thread.join()
    return {name: {"reconnected_after_s": moment - back} for name, moment in connected.items()}


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("clients", vars(options))
    kinds: dict[str, dict[str, Metrics]] = defaultdict(dict)
    for name, metrics in run(options).items():
        kind, _, peer = name.partition(" ")
        kinds[kind][peer] = metrics
    for kind, rows in kinds.items():
        print(f"\n{kind}")
        results.add_table(kind, rows)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
