"""The CPU of taking a batch in this process, without HTTP: by the service, and by one commit plus XADDs, the floor."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import orjson
import psycopg2
import redis
from psycopg2.extras import execute_values

from dev.bench.chaos.workloads.threads.members import BenchThreads
from dev.bench.cpu_time import cpu_spent
from dev.bench.results import Metrics
from services.threads.judging import judge_sender, read_submissions
from services.threads.pushing import commit_push, find_rights, prepare_push

# As one would write it first: a counter and a table of rows. No membership, no keys, no dedupe, no audit.
_TABLES = """
    create schema if not exists bench;
    create table if not exists bench.threads (id text primary key, last_seq bigint not null default 0);
    create table if not exists bench.items (
        thread_id text not null, seq bigint not null, body text not null, primary key (thread_id, seq)
    );
    insert into bench.threads (id) values (%s) on conflict do nothing;
"""
_NUMBER = "update bench.threads set last_seq = last_seq + %s where id = %s returning last_seq"
_INSERT = "insert into bench.items (thread_id, seq, body) values %s"
_KEPT = 500
# Interleaved, so that whatever else the machine does meets all forms alike.
_ROUNDS = 5
Take = Callable[[Sequence[dict[str, Any]]], None]


class InlineBench:
    """One writer on one thread. `pids` are the stores', whose CPU counts as well as this process's own."""

    def __init__(self, threads: BenchThreads, urls: Mapping[str, str], pids: Mapping[str, int]) -> None:
        self._threads = threads
        self._database_url = urls["postgres"].replace("+psycopg2", "")
        self._redis_url = urls["valkey"]
        self._pids = pids
        self._owner = threads.add_member()
        self._thread_id = threads.add_thread(self._owner, [])
        self._payload_max_bytes = threads.stores.settings.threads.payload_max_bytes
        with threads.stores.sessions() as session:
            self._rights = find_rights(session, self._owner.member, [self._thread_id])

    def run(self, *, batch: int, pushes: int, payload_bytes: int) -> dict[str, Metrics]:
        """CPU of an envelope in each form, and how many times that of the floor it is."""
        with self._plain() as plain:
            forms: dict[str, Take] = {"service": self._take, "commit and XADD": plain}
            for take in forms.values():  # what is done once is not what a batch costs
                self._measure(take, self._make(batch, 1, payload_bytes))
            spent = dict.fromkeys([*forms, "signatures"], 0.0)
            for _ in range(_ROUNDS):
                for name, take in forms.items():
                    batches = self._make(batch, max(pushes // _ROUNDS, 1), payload_bytes)
                    spent[name] += self._measure(take, batches)
                spent["signatures"] += self._measure(self._judge, batches)
        count = _ROUNDS * max(pushes // _ROUNDS, 1) * batch
        floor = spent["commit and XADD"]
        return {
            f"{batch}: {name}": {"cpu_ms_per_envelope": one * 1000 / count, "times_the_floor": one / floor}
            for name, one in self._rows(spent).items()
        }

    def _rows(self, spent: Mapping[str, float]) -> dict[str, float]:
        """Signatures are the price of another promise: told apart."""
        bare = spent["service"] - spent["signatures"]
        return {**spent, "service but signatures": bare}

    def _make(self, batch: int, count: int, payload_bytes: int) -> list[list[dict[str, Any]]]:
        device = self._owner.device
        return [[device.envelope(self._thread_id, payload_bytes) for _ in range(batch)] for _ in range(count)]

    def _measure(self, take: Take, batches: Sequence[Sequence[dict[str, Any]]]) -> float:
        with cpu_spent(self._pids) as spent:
            own = time.process_time()
            for one in batches:
                take(one)
            own = time.process_time() - own
        return own + sum(spent.values())

    def _take(self, batch: Sequence[dict[str, Any]]) -> None:
        threads = self._threads.stores.threads
        prepared = prepare_push(threads, self._owner.caller, batch, self._payload_max_bytes)
        verdicts = commit_push(threads, prepared, judge_sender(prepared.submissions, prepared.rights))
        if any(one.status != "accepted" for one in verdicts):
            raise AssertionError(verdicts)

    def _judge(self, batch: Sequence[dict[str, Any]]) -> None:
        """Shape, hash and signature alone; the sender's rights were asked for before."""
        judge_sender(read_submissions(batch, self._payload_max_bytes), self._rights)

    @contextmanager
    def _plain(self) -> Iterator[Take]:
        with (
            closing(psycopg2.connect(self._database_url)) as connection,
            redis.Redis.from_url(self._redis_url) as client,
        ):
            with connection, connection.cursor() as cursor:
                cursor.execute(_TABLES, (self._thread_id,))
            yield lambda batch: take_plainly(connection, client, self._thread_id, batch)


def take_plainly(connection: Any, client: Any, thread_id: str, batch: Sequence[dict[str, Any]]) -> None:
    bodies = [orjson.dumps(one) for one in batch]
    with connection, connection.cursor() as cursor:
        cursor.execute(_NUMBER, (len(batch), thread_id))
        first = cursor.fetchone()[0] - len(batch) + 1
        rows = [(thread_id, seq, body.decode()) for seq, body in enumerate(bodies, start=first)]
        execute_values(cursor, _INSERT, rows)
    pipe = client.pipeline(transaction=False)
    for seq, body in enumerate(bodies, start=first):
        pipe.xadd(f"bench:{thread_id}", {"event": body}, id=f"{seq}-0", maxlen=_KEPT)
        pipe.publish(f"bench:{thread_id}:pub", body)
    pipe.execute()
