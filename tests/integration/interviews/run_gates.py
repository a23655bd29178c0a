"""Gates in the database: a run is held in the very transaction that moves it, until the gate is opened; or right after
its commit, before whoever committed hears of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from tests.waiting import wait_until

from .analyses import Analyses, Uploaded

# By what the transaction changes: the text is there, the call is prepared, it leaves, its ids are known, it is saved.
MOMENTS = ("extracted", "prepared", "called", "started", "saved")
# Of the interview itself, after the commit only.
ERASED = "erased"
_SCHEMA = """
create schema run_gates;
create table run_gates.shut (interview_id uuid, moment text);
create function run_gates.hold() returns trigger language plpgsql as $$
declare which text := case
  when old.step = 'extract' and new.step = 'analyse' then 'extracted'
  when new.step = 'save' and new.state = 'ended' then 'saved'
  when old.miso_run_id is null and new.miso_run_id is not null then 'started'
  when old.called_at is null and new.called_at is not null then 'called'
  when old.miso_user is null and new.miso_user is not null then 'prepared' end;
begin
  if exists (select from run_gates.shut g where g.interview_id = new.interview_id and g.moment = which)
  then perform pg_advisory_xact_lock_shared(78); end if;
  if exists (select from run_gates.shut g where g.interview_id = new.interview_id and g.moment = 'after ' || which)
  then perform set_config('synchronous_commit', 'on', true); end if;
  return new;
end $$;
create function run_gates.hold_erased() returns trigger language plpgsql as $$
begin
  if old.erased_at is null and new.erased_at is not null
    and exists (select from run_gates.shut g where g.interview_id = new.id and g.moment = 'after erased')
  then perform set_config('synchronous_commit', 'on', true); end if;
  return new;
end $$;
create trigger gate before update on welno.interviews for each row execute function run_gates.hold_erased();
create trigger gate before update on welno.interview_runs for each row execute function run_gates.hold();
grant usage on schema run_gates to welno_analyst, welno_member;
grant select on run_gates.shut to welno_analyst, welno_member;
"""
# A standby that never answers: a commit that waits for it is on the disk, and is not told to its client.
_AWAIT_STANDBY = (
    "alter system set synchronous_commit = 'local'",
    "alter system set synchronous_standby_names = 'nobody'",
    "select pg_reload_conf()",
)
_RELEASE = ("alter system set synchronous_standby_names = ''", "select pg_reload_conf()")
_COMMITTED = "select pid from pg_stat_activity where wait_event = 'SyncRep'"
_NEXT = "select 1 from pg_locks where locktype in ('transactionid', 'tuple') and not granted"
_HELD = "select count(*) from pg_locks where locktype = 'advisory' and objid = 78 and not granted"


def build_gates(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(_SCHEMA.replace(":=", "\\:=")))


@contextmanager
def shut_gate(analyses: Analyses, moment: str, *, file: tuple[str, bytes] | None = None) -> Iterator[Uploaded]:
    """An upload that is held there for as long as the block runs."""
    with analyses.engine.connect() as holder:
        holder.execute(text("select pg_advisory_lock(78)"))
        interview = analyses.upload(file=file)
        analyses.execute("insert into run_gates.shut values (:id, :moment)", id=interview.id, moment=moment)
        try:
            yield interview
        finally:
            analyses.execute("delete from run_gates.shut")
            holder.execute(text("select pg_advisory_unlock(78)"))
            holder.rollback()


@contextmanager
def shut_commit_gate(analyses: Analyses, moment: str, upload: Callable[[], Uploaded]) -> Iterator[Uploaded]:
    """Held when that is committed: by then it is as durable as ever, and becomes visible when the block ends."""
    _set_up(analyses, _AWAIT_STANDBY)
    interview = upload()
    gate = {"id": interview.id, "moment": f"after {moment}"}
    analyses.execute("insert into run_gates.shut values (:id, :moment)", **gate)
    try:
        yield interview
    finally:
        analyses.execute("delete from run_gates.shut")
        _set_up(analyses, _RELEASE)


def _set_up(analyses: Analyses, statements: tuple[str, ...]) -> None:
    with analyses.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))


def is_committed(analyses: Analyses) -> bool:
    return bool(analyses.read(_COMMITTED))


def kill_committer(analyses: Analyses) -> None:
    """Of a thread of ours: it hears no more than that its connection has gone."""
    wait_until(lambda: is_committed(analyses))
    analyses.read(f"select pg_terminate_backend(pid) from ({_COMMITTED}) waiting")


def is_held(analyses: Analyses) -> bool:
    [row] = analyses.read(_HELD)
    return bool(row["count"])


def is_next(analyses: Analyses) -> bool:
    """Whether somebody waits for the rows of the run that is held: they have them before its process has them again."""
    return bool(analyses.read(_NEXT))
