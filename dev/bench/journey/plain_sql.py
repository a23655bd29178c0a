"""The same service as one would write it first: a table of steps, a row's lock, plain SQL. No events, no estimates.

As the floor it runs in one process without HTTP; as the peer it is asked over HTTP by clients that poll.
"""

from typing import Any
from uuid import UUID

_TABLES = """
    create schema if not exists peer;
    create table if not exists peer.patients (user_id uuid primary key, state text not null);
    create table if not exists peer.entries (
        queue_id bigserial primary key, user_id uuid not null, exam_id text not null, number int not null,
        state text not null, joined_at timestamptz not null default now(), called_at timestamptz
    );
    create index if not exists entries_line on peer.entries (exam_id, state, number);
    create index if not exists entries_person on peer.entries (user_id);
    create table if not exists peer.counters (exam_id text primary key, last_number int not null);
    create table if not exists peer.steps (
        id bigserial primary key, user_id uuid not null, source text not null, target text not null,
        action text not null, created_at timestamptz not null default now()
    );
"""
_FILL_LINES = """
    insert into peer.patients select gen_random_uuid(), 'WAITING' from generate_series(1, %(people)s);
    insert into peer.entries (user_id, exam_id, number, state)
    select user_id, 'BENCH-' || row_number() over () %% %(lines)s, row_number() over () / %(lines)s + 1, 'waiting'
    from peer.patients;
    insert into peer.counters select exam_id, max(number) from peer.entries group by exam_id;
"""
_TARGETS = {
    ("UNREGISTERED", "scan_nfc"): "ARRIVED",
    ("ARRIVED", "register"): "REGISTERED",
    ("REGISTERED", "confirm_arrival"): "WAITING",
}
_JOIN = """
    insert into peer.counters as line values (%s, 1)
    on conflict (exam_id) do update set last_number = line.last_number + 1 returning last_number
"""
_SNAPSHOT = """
    select e.queue_id, e.exam_id, e.number, e.state,
        (select count(*) from peer.entries a where a.exam_id = e.exam_id and a.state = 'waiting'
            and a.number < e.number)
    from peer.entries e where e.user_id = %s and e.state in ('waiting', 'called')
"""
_LINE = """
    select queue_id, number, state from peer.entries where exam_id = any(%s) and state in ('waiting', 'called')
    order by state, number
"""


class WrongState(Exception):
    """The action does not fit the state."""

    retryable = False


def make_tables(cursor: Any, *, lines: int, waiting: int) -> None:
    cursor.execute(_TABLES)
    cursor.execute(_FILL_LINES, {"people": waiting, "lines": lines})


def add_patients(cursor: Any, user_ids: list[UUID]) -> None:
    cursor.executemany("insert into peer.patients values (%s, 'UNREGISTERED')", [(str(one),) for one in user_ids])


def act(cursor: Any, user_id: str, action: str, exam_id: str | None) -> dict[str, Any]:
    """Within the caller's transaction. Raises WrongState."""
    cursor.execute("select state from peer.patients where user_id = %s for update", (user_id,))
    [source] = cursor.fetchone()
    target = _TARGETS.get((source, action))
    if target is None:
        raise WrongState(source)
    if exam_id is not None:
        cursor.execute(_JOIN, (exam_id,))
        entry = (user_id, exam_id, cursor.fetchone()[0])
        cursor.execute(
            "insert into peer.entries (user_id, exam_id, number, state) values (%s, %s, %s, 'waiting')", entry
        )
    cursor.execute("update peer.patients set state = %s where user_id = %s", (target, user_id))
    step = (user_id, source, target, action)
    cursor.execute("insert into peer.steps (user_id, source, target, action) values (%s, %s, %s, %s)", step)
    return read_snapshot(cursor, user_id, target)


def call(cursor: Any, queue_id: int) -> None:
    """Raises WrongState when somebody else has called them."""
    entry = "update peer.entries set state = 'called', called_at = now() where queue_id = %s and state = 'waiting'"
    cursor.execute(f"{entry} returning user_id", (queue_id,))
    found = cursor.fetchone()
    if found is None:
        raise WrongState
    cursor.execute("update peer.patients set state = 'CALLED' where user_id = %s", found)
    step = "insert into peer.steps (user_id, source, target, action) values (%s, 'WAITING', 'CALLED', 'call_patient')"
    cursor.execute(step, found)


def read_snapshot(cursor: Any, user_id: str, state: str | None = None) -> dict[str, Any]:
    if state is None:
        cursor.execute("select state from peer.patients where user_id = %s", (user_id,))
        [state] = cursor.fetchone()
    cursor.execute(_SNAPSHOT, (user_id,))
    names = ("queue_id", "exam_id", "queue_number", "state", "ahead")
    return {"journey_state": state, "queue_details": [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]}


def read_lines(cursor: Any, exam_ids: list[str]) -> list[dict[str, Any]]:
    cursor.execute(_LINE, (exam_ids,))
    return [dict(zip(("queue_id", "queue_number", "state"), row, strict=True)) for row in cursor.fetchall()]
