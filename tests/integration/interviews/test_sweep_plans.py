"""At 100,000 interviews no sweep reads their runs from end to end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import clock
from core.settings import Settings
from dev.local.postgres import EmbeddedPostgres
from services.delivery.unit_of_work import Work
from services.interviews.statistics import read_statistics
from services.interviews.sweep import (
    due,
    find_hopeless,
    give_up_unsettled,
    held_by_dead,
    hopeless,
    send_due,
    send_unsettled,
    take_from_dead,
    unsettled,
)
from services.processes.sweep_parts import SweepPart, find_due
from services.stores import Stores, build_stores
from tests.query_plans import read_whole
from tests.stacks import create_database

ROWS = 100_000
# Most have ended; of those under way there are some of each kind.
FILL = """
    set local statement_timeout = 0;
    set local session_replication_role = replica;  -- foreign keys hold by construction
    insert into welno.interview_runs (interview_id, project_id, step, state, owner_id, due_at, sent_at)
    select gen_random_uuid(), cast(:project as uuid), 'analyse', state, case when state = 'running' then n % 7 end,
        now() - n * interval '30 seconds', now()
    from (
        select n, coalesce((array['ready', 'running'])[n % 1000 + 1], 'ended') as state
        from generate_series(1, :rows) as n
    ) as made;
    insert into welno.interview_unsettled_calls (miso_user, interview_id, project_id, noted_at, sent_at)
    select interview_id::text, interview_id, project_id, now() - interval '25 hours', now() - interval '1 hour'
    from welno.interview_runs limit 20;
    analyze welno.interview_runs, welno.interview_unsettled_calls
"""
CANDIDATES = (held_by_dead, due, unsettled, hopeless)
PARTS = [SweepPart(candidates.__name__, candidates, lambda _work, _now: 0) for candidates in CANDIDATES]
NOW = clock.now()
SWEEPS: dict[str, Callable[[Work], Any]] = {
    "find_due": lambda work: find_due(work.session, PARTS, NOW),
    "find_due of nothing": lambda work: find_due(work.session, PARTS, NOW - timedelta(days=1000)),
    "take_from_dead": lambda work: take_from_dead(work, NOW),
    "send_due": lambda work: send_due(work, NOW),
    "send_due of an empty queue": lambda work: send_due(work, NOW, queue_is_empty=True),
    "send_unsettled": lambda work: send_unsettled(work, NOW, queue_is_empty=True),
    "give_up_unsettled": lambda work: give_up_unsettled(work, NOW),
    "find_hopeless": lambda work: find_hopeless(work.session, NOW),
    "statistics": lambda work: read_statistics(work.session, NOW),
}


@pytest.fixture(scope="module")
def stores(empty_postgres: EmbeddedPostgres, demo_env: dict[str, str]) -> Iterator[Stores]:
    env = demo_env | {"DATABASE_URL": create_database(empty_postgres, "interview_sweep_plans")}
    stores = build_stores(Settings.read(env), clock, lambda _: None)
    with Session(stores.engine) as session, session.begin():
        session.execute(text(FILL), {"rows": ROWS, "project": uuid4()})
    yield stores
    stores.close()


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_sweep_reads_no_run_that_has_ended(stores: Stores, sweep: str):
    assert read_whole(stores, SWEEPS[sweep], {"interview_runs"}) == set()
