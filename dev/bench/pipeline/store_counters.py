"""How many statements, commits and appends a collection costs, as PostgreSQL and Valkey count them themselves.

Server-wide: whoever plays web and poller is counted, too, and so is the little that a worker does all the time.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from redis import Redis

from dev.bench.results import Metrics
from dev.local.stack import Stack

_STATEMENTS = """
select query, calls from pg_stat_statements
where query not like '%pg_stat_statements%' and dbid = (select oid from pg_database where datname = current_database())
"""
# Each transaction that writes takes the next id, whether it was begun or is a statement of its own.
_NEXT_TRANSACTION = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_TRANSACTION_COMMAND = re.compile(r"(begin|start|commit|end|rollback|savepoint|release)\b", re.IGNORECASE)
_SETTING = re.compile(r"(set|show|reset|discard)\b", re.IGNORECASE)
_OWN_COMMANDS = frozenset({"info", "auth", "hello", "client|setinfo", "select"})


class StoreCounters:
    """Before `install`, nothing may be connected to PostgreSQL."""

    def __init__(self, servers: Stack) -> None:
        self._servers = servers
        self._dsn = servers.postgres.url.replace("+psycopg2", "")

    def install(self) -> None:
        """Restarts PostgreSQL, with its own counting of statements loaded and off: what measures CPU is not to pay for
        it. Query ids stay on, as statements that are prepared without one are never counted."""
        self._execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
        self._servers.postgres.restart()
        self._execute("create extension pg_stat_statements")
        self._switch(is_on=False)

    @contextmanager
    def counting(self, sessions: int) -> Iterator[Metrics]:
        """Fills the dictionary, at the end, with what each of so many sessions has cost meanwhile."""
        self._switch(is_on=True)
        self._execute("select pg_stat_statements_reset()")
        commands, transaction = self._read_commands(), self._read_next_transaction()
        counts: Metrics = {}
        yield counts
        found = {
            "sql_statements": 0,
            "sql_transaction_commands": 0,
            "sql_settings": 0,
            "writing_transactions": self._read_next_transaction() - transaction,
            **_count_commands(commands, self._read_commands()),
        }
        for query, calls in self._execute(_STATEMENTS):
            found[kind_of(query)] += calls
        self._switch(is_on=False)
        counts.update({name: count / sessions for name, count in found.items()})

    def _switch(self, *, is_on: bool) -> None:
        """For connections that are open, too."""
        self._execute(f"alter system set pg_stat_statements.track = '{'top' if is_on else 'none'}'")
        self._execute("select pg_reload_conf()")

    def _read_next_transaction(self) -> int:
        return int(self._execute(_NEXT_TRANSACTION)[0][0])

    def _read_commands(self) -> dict[str, int]:
        with Redis.from_url(self._servers.valkey.url) as client:
            stats: dict[str, dict[str, Any]] = client.info("commandstats")
        return {name.removeprefix("cmdstat_"): int(one["calls"]) for name, one in stats.items()}

    def _execute(self, statement: str) -> list[tuple[Any, ...]]:
        """On a connection that belongs to no transaction."""
        connection = psycopg2.connect(self._dsn)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def kind_of(query: str) -> str:
    """The counter that a statement belongs to."""
    if _TRANSACTION_COMMAND.match(query.lstrip()):
        return "sql_transaction_commands"
    return "sql_settings" if _SETTING.match(query.lstrip()) else "sql_statements"


def _count_commands(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """An append is one call of a script, which adds events and refreshes the copy; a message of Celery is one push."""
    calls = {name: count - before.get(name, 0) for name, count in after.items() if name not in _OWN_COMMANDS}
    return {
        "stream_appends": calls.get("evalsha", 0) + calls.get("eval", 0),
        "appended_events": calls.get("xadd", 0),
        "celery_messages": calls.get("lpush", 0),
        "redis_commands": sum(calls.values()),
    }
