"""What is written down while the blows fall: every change of a run, every event committed, every lease, every answer
that reached the disk. The database's part is triggers of the bench's own, in a schema of its own."""

import ctypes
import os
import re
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from services.processes.leases import LOCK_CLASS

_SCHEMA = """
create schema chaos;
create table chaos.runs (n bigserial primary key, at float8, session_id uuid, step text, run_state text,
                         owner_id bigint, fence bigint, resend_at timestamptz);
create table chaos.events (n bigserial primary key, session_id text, event_id uuid, outbox_id bigint, body jsonb);
create table chaos.leases (lease_id bigint primary key, application text, at float8);
create function chaos.note_run() returns trigger language plpgsql as $$ begin
  insert into chaos.runs (at, session_id, step, run_state, owner_id, fence, resend_at) values
    (extract(epoch from clock_timestamp()), new.session_id, new.step, new.run_state, new.owner_id, new.fence,
     new.resend_at);
  return null; end $$;
create function chaos.note_event() returns trigger language plpgsql as $$ begin
  insert into chaos.events (session_id, event_id, outbox_id, body)
    values (new.body->>'session_id', new.event_id, new.id, new.body);
  return null; end $$;
create function chaos.note_lease() returns trigger language plpgsql as $$ begin
  insert into chaos.leases values
    (new.id, current_setting('application_name'), extract(epoch from clock_timestamp()));
  return null; end $$;
create trigger note after insert or update on welno.welno_collection_history
  for each row execute function chaos.note_run();
create trigger note after insert on welno.welno_outbox for each row execute function chaos.note_event();
create trigger note after insert on welno.welno_processes for each row execute function chaos.note_lease();
"""
_BUSY = """
select p.application, r.run_state from welno.welno_collection_history r join chaos.leases p on p.lease_id = r.owner_id
where r.run_state in ('running', 'waiting')
"""
_HELD = f"""
select p.application from chaos.leases p join pg_locks l on l.objid = p.lease_id::oid and l.classid = {LOCK_CLASS}
where l.locktype = 'advisory' and l.granted
"""
_PID = re.compile(r"welno \w+ (\d+)")
_IN_CREATE = 0x100
# Files are stamped with the time of the kernel's last tick (4 ms), which a busy virtual machine was seen to take late.
_COARSE_SECONDS = 0.012
_EVENT = struct.Struct("iIII")


@dataclass(frozen=True)
class Change:
    """One committed state of a run."""

    at: float
    session_id: str
    step: str
    run_state: str
    owner_pid: int | None
    owner_id: int | None
    fence: int


def dsn(url: str) -> str:
    return url.replace("postgresql+psycopg2://", "postgresql://")


def pid_of(application: str) -> int | None:
    match = _PID.fullmatch(application)
    return int(match[1]) if match else None


class Witness:
    def __init__(self, database_url: str) -> None:
        self._dsn = dsn(database_url)

    def prepare(self) -> None:
        self.query(_SCHEMA, fetch=False)
        # Else each recovery syncs every file of the cluster one by one, seconds in which no blow would count.
        self.alter("alter system set recovery_init_sync_method = 'syncfs'")

    def query(self, statement: str, *values: object, fetch: bool = True) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self._dsn, connect_timeout=2)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if fetch else []
        finally:
            connection.close()

    def alter(self, statement: str) -> None:
        """A statement that no transaction may hold."""
        connection = psycopg2.connect(self._dsn)
        connection.autocommit = True
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def pids_at_work(self) -> dict[int, str]:
        """Processes that hold runs just now, and in which state; nothing while the database is away."""
        return {pid: state for application, state in self._ask(_BUSY) if (pid := pid_of(application))}

    def pids_alive(self) -> set[int]:
        """Processes whose lease stands."""
        return {pid for (application,) in self._ask(_HELD) if (pid := pid_of(application))}

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            return self.query(statement)
        except psycopg2.Error:
            return []

    def changes(self) -> dict[str, list[Change]]:
        """Each run's story, in order."""
        rows = self.query(
            "select r.at, r.session_id::text, r.step, r.run_state, l.application, r.owner_id, r.fence"
            " from chaos.runs r left join chaos.leases l on l.lease_id = r.owner_id order by r.n"
        )
        stories: dict[str, list[Change]] = {}
        for at, session_id, step, run_state, application, owner_id, fence in rows:
            change = Change(at, session_id, step, run_state, pid_of(application or ""), owner_id, fence)
            stories.setdefault(session_id, []).append(change)
        return stories


class IncomingWatch:
    """When each provider answer got its final name in `incoming/`, which it gets only once it is durable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(os.O_CLOEXEC)
        if self._libc.inotify_add_watch(self._handle, os.fsencode(folder), _IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self._thread = threading.Thread(target=self._run, name="incoming-watch", daemon=True)
        self.arrived: dict[str, list[float]] = {}

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while True:
            data = os.read(self._handle, 65_536)
            at = 0
            while at < len(data):
                length = _EVENT.unpack_from(data, at)[3]
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0").decode()
                at += _EVENT.size + length
                if not name.startswith("."):
                    self.arrived.setdefault(name, []).append(self._moment(name))

    def _moment(self, name: str) -> float:
        """By when the file had its name: by its own time where it still lies there, since we may look late."""
        try:
            return min((self._folder / name).stat().st_ctime + _COARSE_SECONDS, time.time())
        except FileNotFoundError:
            return time.time()
