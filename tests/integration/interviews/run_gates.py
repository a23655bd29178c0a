"""Gates in the database: a run is held in the very transaction that moves it, until the gate is opened."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from .analyses import Analyses, Uploaded

# By what the transaction changes: the text is there, the call is prepared, it leaves, its ids are known, it is saved.
MOMENTS = ("extracted", "prepared", "called", "started", "saved")
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
  return new;
end $$;
create trigger gate before update on welno.interview_runs for each row execute function run_gates.hold();
grant usage on schema run_gates to welno_analyst, welno_member;
grant select on run_gates.shut to welno_analyst, welno_member;
"""
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


def is_held(analyses: Analyses) -> bool:
    [row] = analyses.read(_HELD)
    return bool(row["count"])
