"""Records in the database itself, by triggers in a schema of the bench's own, which process took which lease."""

from typing import Any

import psycopg2

from dev.bench.chaos.product import LEASE_LOCK_CLASS, LEASES_TABLE, pid_of

_SCHEMA = f"""
create schema chaos;
create table chaos.leases (lease_id bigint primary key, application text, at float8);
create function chaos.record_lease() returns trigger language plpgsql as $$ begin
  insert into chaos.leases values
    (new.id, current_setting('application_name'), extract(epoch from clock_timestamp()));
  return null; end $$;
create trigger record after insert on {LEASES_TABLE} for each row execute function chaos.record_lease();
"""
_HELD_LEASES = f"""
select p.application from chaos.leases p join pg_locks l on l.objid = p.lease_id::oid and l.classid = {LEASE_LOCK_CLASS}
where l.locktype = 'advisory' and l.granted
"""


# Of a server whose host is cut off nobody hears anything. Seconds, seconds, times, and ms of what was sent.
NOTICES_A_CUT: dict[str, Any] = {
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4000,
}


class DatabaseRecorder:
    """Past the proxies and the product's own roles. A workload adds its triggers by `query`."""

    def __init__(self, database_url: str) -> None:
        self._dsn = database_url.replace("postgresql+psycopg2://", "postgresql://")

    def prepare(self) -> None:
        self.query(_SCHEMA, fetch=False)
        # Else each recovery syncs every file of the cluster one by one, seconds in which no fault would count.
        self._alter("alter system set recovery_init_sync_method = 'syncfs'")

    def query(self, statement: str, *values: object, fetch: bool = True) -> list[tuple[Any, ...]]:
        """Raises psycopg2.Error while the database is away."""
        connection = psycopg2.connect(self._dsn, connect_timeout=2, **NOTICES_A_CUT)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if fetch else []
        finally:
            connection.close()

    def try_query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Nothing while the database is away."""
        try:
            return self.query(statement, *values)
        except psycopg2.Error:
            return []

    def pids_with_lease(self) -> set[int]:
        """Processes whose lease stands just now."""
        return {pid for (application,) in self.try_query(_HELD_LEASES) if (pid := pid_of(application))}

    def _alter(self, statement: str) -> None:
        """No transaction may hold it."""
        connection = psycopg2.connect(self._dsn)
        connection.autocommit = True
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()
