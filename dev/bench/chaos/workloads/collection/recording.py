"""What the database records of collections while faults fall: each committed state of a run, each committed event."""

import psycopg2

from dev.bench.chaos.history import WorkChange, WorkState
from dev.bench.chaos.product import pid_of
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.workloads.collection.product import RUNS_TABLE

_SCHEMA = f"""
create table chaos.runs (n bigserial primary key, at float8, session_id uuid, run_state text, owner_id bigint,
                         fence bigint);
create function chaos.record_run() returns trigger language plpgsql as $$ begin
  insert into chaos.runs (at, session_id, run_state, owner_id, fence) values
    (extract(epoch from clock_timestamp()), new.session_id, new.run_state, new.owner_id, new.fence);
  return null; end $$;
create trigger record after insert or update on {RUNS_TABLE} for each row execute function chaos.record_run();
"""
_BUSY = f"""
select p.application from {RUNS_TABLE} r join chaos.leases p on p.lease_id = r.owner_id
where r.run_state in ('running', 'waiting')
"""
_HELD_BY = f"""
select r.session_id::text, p.application from {RUNS_TABLE} r join chaos.leases p on p.lease_id = r.owner_id
where r.run_state = 'running' and r.step in ('fetch_health_data', 'fetch_prescriptions') or r.run_state = 'waiting'
"""
_OPEN = f"select 1 from {RUNS_TABLE} where run_state not in ('ended', 'idle') limit 1"
_CHANGES = """
select r.at, r.session_id::text, r.run_state, l.application, r.fence
from chaos.runs r left join chaos.leases l on l.lease_id = r.owner_id order by r.n
"""


def prepare_recording(recorder: DatabaseRecorder) -> None:
    recorder.query(_SCHEMA, fetch=False)


def read_pids_at_work(recorder: DatabaseRecorder) -> set[int]:
    return {pid for (application,) in recorder.try_query(_BUSY) if (pid := pid_of(application))}


def has_open_runs(recorder: DatabaseRecorder) -> bool:
    """Also while the database is away."""
    try:
        return bool(recorder.query(_OPEN))
    except psycopg2.Error:
        return True


def read_fetching(recorder: DatabaseRecorder) -> dict[str, int]:
    """Sessions whose records may just be asked for, and the process that holds each."""
    rows = recorder.try_query(_HELD_BY)
    return {session_id: pid for session_id, application in rows if (pid := pid_of(application))}


def read_changes(recorder: DatabaseRecorder) -> dict[str, list[WorkChange]]:
    """Of each run, in order."""
    changes: dict[str, list[WorkChange]] = {}
    for at, session_id, run_state, application, fence in recorder.query(_CHANGES):
        change = WorkChange(at, WorkState(run_state), pid_of(application or ""), fence)
        changes.setdefault(session_id, []).append(change)
    return changes
