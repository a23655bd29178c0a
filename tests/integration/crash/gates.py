"""Gates in the database: a run is held in the very transaction that moves it, until the gate is opened."""

from collections.abc import Iterable
from typing import Any

import psycopg2

# A writer waits at the gate of its session, if there is one for this move; the test holds all of them shut.
SCHEMA = """
create schema gates;
create table gates.shut (session_id uuid, step text, run_state text);
create table gates.events (number bigint, session_id text, status text, cx_id text);
create function gates.note_event() returns trigger language plpgsql as $$ begin
  insert into gates.events
    values (new.seq, new.body::jsonb->>'session_id', new.body::jsonb->>'status', new.body::jsonb->'data'->>'cx_id');
  return null; end $$;
create trigger note after insert on welno.welno_events for each row execute function gates.note_event();
create function gates.hold_run() returns trigger language plpgsql as $$ begin
  if (old.step, old.run_state) is distinct from (new.step, new.run_state) and exists (
    select from gates.shut g where g.session_id = new.session_id and g.step = new.step and g.run_state = new.run_state)
  then perform pg_advisory_xact_lock_shared(77); end if;
  return new; end $$;
create function gates.hold_row() returns trigger language plpgsql as $$ begin
  if exists (select from gates.shut g where g.session_id = new.session_id and g.step = 'rows')
  then perform pg_advisory_xact_lock_shared(77); end if;
  return new; end $$;
create trigger gate before update on welno.welno_collection_history for each row execute function gates.hold_run();
create trigger gate before insert on welno.welno_checkup_data for each row execute function gates.hold_row();
"""
HELD = "select count(*) from pg_locks where locktype = 'advisory' and objid = 77 and not granted"

# A dead process' lease runs on for a while; its lock went with it.
LEASES = """
select count(*) from welno.welno_processes p join pg_locks l on l.classid = 73055 and l.objid = p.id::oid and l.granted
where p.lease_until > now()
"""


class Gates:
    """`url` as psycopg2 wants it. Everything happens over connections of our own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._holder: Any = None
        self._connection: Any = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def build(self) -> None:
        self._execute(SCHEMA)

    def shut(self) -> None:
        self._holder = self._open()
        self._holder.cursor().execute("select pg_advisory_lock(77)")

    def add(self, session_id: str, step: str, run_state: str) -> None:
        self._execute("insert into gates.shut values (%s, %s, %s)", (session_id, step, run_state))

    def held(self) -> int:
        """Writers that wait at a gate."""
        return int(self._execute(HELD)[0][0])

    def leases(self) -> int:
        """Processes that are ready to take runs."""
        return int(self._execute(LEASES)[0][0])

    def open(self) -> None:
        """Also after the database went down, which opened them all."""
        self._execute("delete from gates.shut")
        self._holder.close()

    def rows(self, query: str, sessions: Iterable[str]) -> list[tuple[Any, ...]]:
        return self._execute(query, (list(sessions),))

    def _execute(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Over one kept connection; over a new one when the server has been started anew."""
        try:
            return self._try(query, values)
        except psycopg2.OperationalError:
            return self._try(query, values)

    def _try(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = self._open()
        with self._connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def _open(self) -> Any:
        connection = psycopg2.connect(self._url)
        connection.autocommit = True
        return connection
