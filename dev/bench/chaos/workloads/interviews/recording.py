"""What the database records of interviews while faults fall: each committed state of a run, each status."""

import psycopg2

from dev.bench.chaos.history import WorkChange, WorkState
from dev.bench.chaos.product import pid_of
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.workloads.interviews.interview_history import RowStatus

# They write as their owner: whoever changes a row is under row-level security, and knows no schema of the bench's.
_SCHEMA = """
create table chaos.interview_runs (n bigserial primary key, at float8, interview_id uuid, state text, owner_id bigint,
                                   fence bigint);
create function chaos.record_interview_run() returns trigger language plpgsql security definer as $$ begin
  insert into chaos.interview_runs (at, interview_id, state, owner_id, fence) values
    (extract(epoch from clock_timestamp()), new.interview_id, new.state, new.owner_id, new.fence);
  return null; end $$;
create trigger record after insert or update on welno.interview_runs
  for each row execute function chaos.record_interview_run();
create table chaos.interview_statuses (n bigserial primary key, interview_id uuid, status text, attempt int,
                                       revision int, is_deleted bool);
create function chaos.record_interview() returns trigger language plpgsql security definer as $$ begin
  insert into chaos.interview_statuses (interview_id, status, attempt, revision, is_deleted) values
    (new.id, new.status, new.attempt, new.revision, new.deleted_at is not null);
  return null; end $$;
create trigger record after insert or update on welno.interviews
  for each row execute function chaos.record_interview();
"""
_BUSY = """
select p.application from welno.interview_runs r join chaos.leases p on p.lease_id = r.owner_id
where r.state = 'running'
"""
_CALLING = """
select r.miso_user, p.application from welno.interview_runs r join chaos.leases p on p.lease_id = r.owner_id
where r.state = 'running' and r.step = 'analyse' and r.called_at is not null
"""
_OPEN = """
select from welno.interview_runs where state <> 'ended'
union all select from welno.interview_unsettled_calls where task_id is not null limit 1
"""
_CHANGES = """
select r.at, r.interview_id::text, r.state, l.application, r.fence
from chaos.interview_runs r left join chaos.leases l on l.lease_id = r.owner_id order by r.n
"""
_STATUSES = """
select interview_id::text, status, attempt, revision, is_deleted from chaos.interview_statuses order by n
"""


def prepare_recording(recorder: DatabaseRecorder) -> None:
    recorder.query(_SCHEMA, fetch=False)


def read_pids_at_work(recorder: DatabaseRecorder) -> set[int]:
    return {pid for (application,) in recorder.try_query(_BUSY) if (pid := pid_of(application))}


def read_callers(recorder: DatabaseRecorder) -> dict[str, int]:
    """Users of calls that may be under way, and the process that waits for each."""
    return {user: pid for user, application in recorder.try_query(_CALLING) if (pid := pid_of(application))}


def has_open_runs(recorder: DatabaseRecorder) -> bool:
    """Also while the database is away."""
    try:
        return bool(recorder.query(_OPEN))
    except psycopg2.Error:
        return True


def read_changes(recorder: DatabaseRecorder) -> dict[str, list[WorkChange]]:
    """Of each run, in order."""
    changes: dict[str, list[WorkChange]] = {}
    for at, interview_id, state, application, fence in recorder.query(_CHANGES):
        change = WorkChange(at, WorkState(state), pid_of(application or ""), fence)
        changes.setdefault(interview_id, []).append(change)
    return changes


def read_statuses(recorder: DatabaseRecorder) -> dict[str, list[RowStatus]]:
    """Of each interview, each committed state of its row, in order."""
    statuses: dict[str, list[RowStatus]] = {}
    for interview_id, *row in recorder.query(_STATUSES):
        statuses.setdefault(interview_id, []).append(RowStatus(*row))
    return statuses
