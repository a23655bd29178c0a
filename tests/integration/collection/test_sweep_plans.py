"""At 400,000 runs no sweep reads the history: PostgreSQL finds what each asks for by an index."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.clock import clock
from core.names import SESSION_PREFIX
from core.sealing import Sealer
from core.settings import Settings
from dev.local.postgres import EmbeddedPostgres
from services.accounts.revocations import forget_revocations
from services.collection.retention import delete_ended_runs, delete_old_steps
from services.collection.sealed_rows import count_row_keys, reseal_rows
from services.collection.sweep import (
    beyond_their_time,
    due_or_sent,
    ended_sessions,
    expire_sessions,
    held_by_dead,
    resend_lost,
    resume_stopped,
    stopped_while_saving,
    take_from_dead,
)
from services.collection.transitions import take_waiting_runs
from services.collection.waiting import asked_now, let_go
from services.delivery.event_log import read_changed
from services.delivery.unit_of_work import Work
from services.processes.sweep_parts import SweepPart, find_due
from services.stores import Stores, build_stores
from tests.query_plans import read_whole
from tests.stacks import create_database

ROWS = 400_000
BIG = {"welno_collection_history", "welno_collection_steps", "welno_revoked_tokens", "welno_tokens_valid_after"}
# Most have ended, as in any history; of those under way there are some of each kind.
FILL = """
    set local statement_timeout = 0;
    set local synchronous_commit = off;
    set local session_replication_role = replica;  -- foreign keys hold by construction
    insert into welno.welno_collection_history (
        session_id, request_id, status, step, run_state, not_before, hospital_id, partner_id, masked_name,
        expires_at, created_at, updated_at, changed_at, resend_at, collection_ended_at, owner_id
    )
    select gen_random_uuid(), 'r', 'completed', 'finish', state, moment, 'PEERNINE', 'welno', '*',
        moment, moment, moment, moment, moment, case when state = 'ended' then moment end,
        case when state in ('running', 'waiting') then n % 7 end
    from (
        select n, now() - n * interval '30 seconds' as moment,
            coalesce((array['idle', 'ready', 'running', 'waiting'])[n % 1000 + 1], 'ended') as state
        from generate_series(1, :rows) as n
    ) as made;
    insert into welno.welno_collection_steps (session_id, step, fence, attempt, outcome, started_at, ended_at)
    select session_id, 'finish', 1, 1, 'done', created_at, created_at
    from welno.welno_collection_history order by created_at;
    insert into welno.welno_revoked_tokens
    select n::text, now() + n * interval '1 second' from generate_series(1, 50000) n;
    insert into welno.welno_tokens_valid_after
    select n::text, now() - n * interval '1 second' from generate_series(1, 50000) n;
    analyze welno.welno_collection_history, welno.welno_collection_steps, welno.welno_revoked_tokens,
        welno.welno_tokens_valid_after
"""
OTHERS = [str(uuid4()) for _ in range(100)]


@pytest.fixture(scope="module")
def stores(empty_postgres: EmbeddedPostgres, demo_env: dict[str, str]) -> Iterator[Stores]:
    env = demo_env | {"DATABASE_URL": create_database(empty_postgres, "sweep_plans")}
    stores = build_stores(Settings.read(env), clock, lambda _: None)
    with stores.engine.begin() as connection:
        connection.execute(text(FILL), {"rows": ROWS})
    yield stores
    stores.close()


def changed(work: Work) -> object:
    kind = next(kind for kind in work.kinds if kind.prefix == SESSION_PREFIX)
    return read_changed(work.session, kind, window_seconds=13, settle_seconds=0.3, after=None, limit=500)


CANDIDATES = (held_by_dead, due_or_sent, stopped_while_saving, beyond_their_time)
PARTS = [SweepPart(candidates.__name__, candidates, lambda _work, _now: 0) for candidates in CANDIDATES]
NOW = clock.now()
SEALER = Sealer({"new": b"n" * 32})
SWEEPS: dict[str, Callable[[Work], Any]] = {
    "find_due": lambda work: find_due(work.session, PARTS, NOW),
    "find_due of nothing": lambda work: find_due(work.session, PARTS, NOW - timedelta(days=1000)),
    "take_from_dead": lambda work: take_from_dead(work, NOW),
    "resend_lost": lambda work: resend_lost(work, NOW),
    "resend_lost of an empty queue": lambda work: resend_lost(work, NOW, queue_is_empty=True),
    "resume_stopped": lambda work: resume_stopped(work, NOW),
    "expire_sessions": lambda work: expire_sessions(work, NOW - timedelta(days=100)),
    "let_go": lambda work: let_go(work, 3, within_seconds=15),
    "asked_now": lambda work: asked_now(work.session, 3),
    "take_waiting": lambda work: take_waiting_runs(work.session, 3, 1000),
    "ended_sessions": lambda work: ended_sessions(work.session, OTHERS),
    "changed subjects": changed,
    "count_row_keys": lambda work: count_row_keys(work.session),
    "reseal_rows": lambda work: reseal_rows(work, SEALER, without=(), limit=200),
    "delete_ended_runs": lambda work: delete_ended_runs(work.session, 30, 1000),
    "delete_old_steps": lambda work: delete_old_steps(work.session, 30, 1000),
    "forget_revocations": lambda work: forget_revocations(work.session),
}


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_sweep_reads_no_table_from_end_to_end(stores: Stores, sweep: str):
    assert read_whole(stores, SWEEPS[sweep], BIG) == set()


def test_the_search_for_such_a_reading_finds_one(stores: Stores):
    query = text("select count(*) from welno.welno_collection_history where masked_name = 'x'")
    assert read_whole(stores, lambda work: work.session.execute(query), BIG) == {"welno_collection_history"}
