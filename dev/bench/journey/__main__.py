"""Measures the patient's journey beside the same by plain means, in one run.

    python -m dev.bench.journey --waiting 10000 --lines 50 --walkers 400 --per-second 200

Actions over HTTP and WebSocket, beside the product's own statements and plain SQL without HTTP (the floor) and beside a
plain Flask application (the peer); a call's way to the phone, the hall and another desk's board, beside clients that
poll; statements of a snapshot and of lists; the first map layer; from a logout to the end of its socket on another
process. Prints tables and, as the last line, the same figures as JSON.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from dev.bench.cpu_time import cpu_spent
from dev.bench.journey.action_load import ActionTimes, by_plain_sql, by_the_service, over_http, over_sockets
from dev.bench.journey.calls import calls_by_frames, calls_by_polls
from dev.bench.journey.logouts import measure_logouts
from dev.bench.journey.peer_app import THREADS
from dev.bench.journey.plain_sql import add_patients, make_tables
from dev.bench.journey.reads import measure_maps, measure_reads
from dev.bench.journey.ward import BenchWard, Walker
from dev.bench.results import Metrics, Results
from dev.bench.temporary_stack import open_stack
from dev.local.ports import LOOPBACK, pick_port
from dev.local.programs import Program, web_program
from dev.local.stack import Stack

_ACTION, _PEER_ACTION = "/api/v1/patient-journey/perform-action/", "/action"
_WARM_UP = 5
_PROCESSES = ("web", "worker", "sweeper")
# Every walker comes from this machine's one address.
_SETTINGS = {"WELNO_BODY_LIMIT": "1000000 per hour", "WELNO_SOCKETS_PER_ADDRESS": "10000"}


@dataclass(frozen=True)
class JourneyOptions:
    waiting: int
    lines: int
    walkers: int
    per_second: float
    calls: int
    poll_seconds: float
    logouts: int
    reads: int


def read_options(arguments: Sequence[str]) -> JourneyOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.journey", description=__doc__)
    parser.add_argument("--waiting", type=int, default=10_000, help="people who wait in the lines already")
    parser.add_argument("--lines", type=int, default=50)
    parser.add_argument("--walkers", type=int, default=400, help="of each form; each does three actions")
    parser.add_argument("--per-second", type=float, default=200, help="actions that are due over HTTP and WebSocket")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--poll-seconds", type=float, default=3, help="between two polls of the peer's clients")
    parser.add_argument("--logouts", type=int, default=20)
    parser.add_argument("--reads", type=int, default=20, help="of each kind; their median counts")
    return JourneyOptions(**vars(parser.parse_args(arguments)))


class JourneyBench:
    """One stack with two web processes, and the peer on the same PostgreSQL."""

    def __init__(self, options: JourneyOptions, stack: Stack, other_url: str, peer_url: str) -> None:
        self._options = options
        self._stack = stack
        self._other_url, self._peer_url = other_url, peer_url
        self._ward = BenchWard(stack.env, lines=options.lines, waiting=options.waiting)
        self._connection = psycopg2.connect(stack.postgres.url.replace("+psycopg2", ""))
        with self._connection, self._connection.cursor() as cursor:
            make_tables(cursor, lines=options.lines, waiting=options.waiting)

    def run(self, results: Results) -> None:
        by_socket, of_peer = self._add_walkers(), self._add_peer_walkers()
        results.add_table("actions", self._measure_actions(by_socket, of_peer))
        results.add_table("calls", self._measure_calls(by_socket, of_peer))
        results.add_table("reads", measure_reads(self._ward, by_socket[-1], self._options.reads))
        leaving = by_socket[: self._options.logouts]
        found = asyncio.run(measure_logouts(self._stack.web_url, self._other_url, leaving))
        results.add("once", found | measure_maps())

    def close(self) -> None:
        self._connection.close()
        self._ward.close()

    def _measure_actions(self, by_socket: Sequence[Walker], of_peer: Sequence[Walker]) -> dict[str, Metrics]:
        web, rate = self._stack.web_url, self._options.per_second
        by_http, inline, plain = self._add_walkers(), self._add_walkers(), self._add_peer_walkers()
        self._warm_up()
        return {
            "HTTP": self._measure("web", lambda: asyncio.run(over_http(web, _ACTION, by_http, rate))),
            "WebSocket": self._measure("web", lambda: asyncio.run(over_sockets(web, by_socket, rate))),
            "same statements inline": by_the_service(self._ward, inline).metrics(),
            "plain Flask": self._measure(
                "peer", lambda: asyncio.run(over_http(self._peer_url, _PEER_ACTION, of_peer, rate))
            ),
            "plain SQL inline": by_plain_sql(self._connection, plain).metrics(),
        }

    def _warm_up(self) -> None:
        """What a server does once is not what an action costs."""
        ours, theirs = self._ward.add_walkers(_WARM_UP), self._add_peer_walkers(_WARM_UP)
        asyncio.run(over_http(self._stack.web_url, _ACTION, ours, self._options.per_second))
        asyncio.run(over_http(self._peer_url, _PEER_ACTION, theirs, self._options.per_second))

    def _measure(self, server: str, load: Callable[[], ActionTimes]) -> Metrics:
        """With the CPU of whoever served it."""
        pid = self._stack.pid(server)
        assert pid is not None
        with cpu_spent({server: pid}) as spent:
            times = load()
        return times.metrics() | {"server_cpu_ms": spent[server] * 1000 / len(times.seconds)}

    def _measure_calls(self, by_socket: Sequence[Walker], of_peer: Sequence[Walker]) -> dict[str, Metrics]:
        """`by_socket` and `of_peer` wait in their lines by now."""
        count, pause = self._options.calls, self._options.poll_seconds
        frames = asyncio.run(calls_by_frames(self._stack.web_url, self._ward, by_socket[-count:]))
        polls = asyncio.run(calls_by_polls(self._peer_url, self._ward, of_peer[-count:], pause))
        return {"frames": frames.metrics(), "polls": polls.metrics()}

    def _add_walkers(self) -> list[Walker]:
        return self._ward.add_walkers(self._options.walkers)

    def _add_peer_walkers(self, count: int | None = None) -> list[Walker]:
        walkers = self._ward.add_walkers(count or self._options.walkers)
        with self._connection, self._connection.cursor() as cursor:
            add_patients(cursor, [walker.user_id for walker in walkers])
        return walkers


@contextmanager
def _open_bench(options: JourneyOptions) -> Iterator[JourneyBench]:
    other, peer = web_program("other web", pick_port()), _peer_program(pick_port())
    with open_stack(_PROCESSES, _SETTINGS, within=Path(tempfile.gettempdir())) as stack:
        for program in (other, peer):
            stack.add(program)
        stack.start(other.name)
        with closing(JourneyBench(options, stack, str(other.url), str(peer.url))) as bench:
            stack.start(peer.name)
            stack.wait_ready()
            yield bench


def _peer_program(port: int) -> Program:
    options: tuple[Any, ...] = ("-k", "gthread", "--threads", str(THREADS), "--bind", f"{LOOPBACK}:{port}")
    command = (sys.executable, "-m", "gunicorn", *options, "dev.bench.journey.peer_app:create_app()")
    return Program("peer", command, f"http://{LOOPBACK}:{port}")


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("journey", vars(options))
    print(f"journey: {options.waiting} wait in {options.lines} lines; {options.walkers} walkers of each form")
    with _open_bench(options) as bench:
        bench.run(results)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
