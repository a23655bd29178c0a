"""The floor: one process that makes the same commits and publishes one after the other, and nothing else.

`python -m dev.bench.pipeline.peers.inline_floor COMMITS PUBLISHES`. Each commit moves a row of a run and adds a row of
its history.
"""

import os
import sys
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg2
import psycopg2.extras
from redis import Redis

from dev.bench.load_process import LoadAnswer, serve_load

_TABLES = (
    "create table if not exists public.bench_runs (id uuid primary key, step int not null);"
    "create table if not exists public.bench_steps (id bigserial primary key, run uuid not null, step int not null)"
)


class InlineFloor:
    """One connection to each store."""

    def __init__(self, commits: int, publishes: int) -> None:
        self._commits, self._publishes = commits, publishes
        psycopg2.extras.register_uuid()  # type: ignore[no-untyped-call]  # psycopg2's
        self._connection = psycopg2.connect(os.environ["DATABASE_URL"].replace("+psycopg2", ""))
        self._redis = Redis.from_url(os.environ["REDIS_URL"])
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(_TABLES)

    def prepare(self, count: int) -> list[UUID]:
        session_ids = [uuid4() for _ in range(count)]
        with self._connection, self._connection.cursor() as cursor:
            cursor.executemany("insert into public.bench_runs values (%s, 0)", [(one,) for one in session_ids])
        return session_ids

    def run(self, session_ids: list[UUID]) -> LoadAnswer:
        began, latencies = time.perf_counter(), []
        for session_id in session_ids:
            started = time.perf_counter()
            for number in range(self._commits):
                self._commit(session_id, number)
                if number < self._publishes:
                    self._redis.publish("bench:floor", f"{session_id} {number}")
            latencies.append(time.perf_counter() - started)
        return {"seconds": time.perf_counter() - began, "latencies": latencies}

    def _commit(self, session_id: UUID, number: int) -> None:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute("update public.bench_runs set step = %s where id = %s", (number, session_id))
            cursor.execute("insert into public.bench_steps (run, step) values (%s, %s)", (session_id, number))


def main(arguments: Sequence[str]) -> None:
    commits, publishes = map(int, arguments)
    floor = InlineFloor(commits, publishes)
    serve_load(floor.prepare, floor.run)


if __name__ == "__main__":
    main(sys.argv[1:])
