"""The probes of readiness: each writes to a store as the product does, and says in a word what is wrong.

A proxy asks for less: a store that is away is away for every web process, and each of them answers without it what it
can, and 503 with Retry-After what it cannot.
"""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.broker import BROKER_ERRORS
from core.names import ProcessKind
from core.redis_refusals import refusal
from services.database import ReadOnlyDatabase
from services.delivery.task_sender import TaskSender
from services.processes.readiness import applied_revisions, has_live_process, write_probe
from services.stores import Stores
from spool import Spool, SpoolError
from webapp.offloop import run_off_loop
from webapp.readiness import OK, Probe, Readiness

_ROOT = Path(__file__).resolve().parents[1]
_DATABASE_PARTS = ("postgresql", "migrations", "worker")
_REDIS_KEY, _REDIS_KEY_SECONDS = "welno:takes_writes", 60
_UNREACHABLE, _REFUSES = "unreachable", "refuses writes"
_NOT_AT_HEAD, _NOT_MIGRATED = "not at the head", "not migrated"
# Below what a proxy waits for a check: a database that hangs must not look like a process that does.
_MIGRATIONS_WITHIN_SECONDS = 0.5
# PostgreSQL's codes: of a standby or a role that may only read, of a full disk, of a table that is not there yet.
_WORDS = {"25006": "read only", "53100": "disk full", "42P01": _NOT_MIGRATED}


def build_readiness(stores: Stores, tasks: TaskSender, spool: Spool) -> Readiness:
    """No thread is started yet, so this is safe before a fork."""
    return Readiness(
        [
            Probe(_DATABASE_PARTS, partial(probe_database, stores.engine)),
            Probe(("redis",), partial(probe_redis, stores.redis)),
            Probe(("broker",), partial(probe_broker, tasks)),
            Probe(("spool",), partial(probe_spool, spool)),
        ]
    )


class ProcessReadiness:
    """Whether this process may be sent requests: its tables are those of its code, or newer.

    Found once it holds: migrations are taken back after the code that needs them. A database that is away tells nothing
    against a process.
    """

    def __init__(self, engine: Engine) -> None:
        probe = Probe(("migrations",), partial(probe_migrations, engine))
        self._readiness = Readiness([probe], within_seconds=_MIGRATIONS_WITHIN_SECONDS)
        self._is_migrated = False

    def check(self) -> bool:
        if self._is_migrated:
            return True
        word = self._readiness.check()["migrations"]
        self._is_migrated = word == OK
        return word not in {_NOT_AT_HEAD, _NOT_MIGRATED}


def probe_migrations(engine: Engine) -> Mapping[str, str]:
    """By reading alone."""
    try:
        with engine.connect() as connection:
            return {"migrations": _NOT_AT_HEAD if is_behind(applied_revisions(connection)) else OK}
    except SQLAlchemyError as exc:
        return {"migrations": _word_of(exc) or _UNREACHABLE}


def probe_database(engine: Engine) -> Mapping[str, str]:
    try:
        with engine.connect() as connection:
            # Each statement commits for itself: a write is proved by its commit.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            is_alive = has_live_process(connection, ProcessKind.WORKER)
            revisions = applied_revisions(connection)
            return {
                "postgresql": _write_to_database(connection),
                "migrations": _NOT_AT_HEAD if is_behind(revisions) else OK,
                "worker": OK if is_alive else "silent",
            }
    except SQLAlchemyError as exc:
        return dict.fromkeys(_DATABASE_PARTS, _word_of(exc) or _UNREACHABLE)


def _write_to_database(connection: Connection) -> str:
    """The last that is asked: after a refusal the connection may be gone."""
    try:
        write_probe(connection)
    except ReadOnlyDatabase as exc:
        return _word_of(exc) or _REFUSES
    except DBAPIError as exc:
        if exc.connection_invalidated:
            raise
        return _word_of(exc) or _REFUSES
    return OK


def _word_of(error: SQLAlchemyError) -> str | None:
    return _WORDS.get(getattr(getattr(error, "orig", None), "pgcode", None) or "")


def is_behind(applied: frozenset[str]) -> bool:
    """A revision that this code does not know is newer than it: each migration works with the code before it, so
    while a deployment replaces us one by one, we stay ready."""
    known, heads = _revisions()
    return not applied or bool((applied & known) - heads)


@cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """All that this code knows, and the newest of them."""
    config = Config(str(_ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(_ROOT / "alembic"))
    scripts = ScriptDirectory.from_config(config)
    return frozenset(one.revision for one in scripts.walk_revisions()), frozenset(scripts.get_heads())


def probe_redis(redis: Redis) -> Mapping[str, str]:
    try:
        redis.set(_REDIS_KEY, 1, ex=_REDIS_KEY_SECONDS)
    except RedisError as exc:
        return {"redis": refusal(exc) or _UNREACHABLE}
    return {"redis": OK}


def probe_broker(tasks: TaskSender) -> Mapping[str, str]:
    try:
        tasks.prove()
    except BROKER_ERRORS as exc:
        return {"broker": refusal(exc) or _UNREACHABLE}
    return {"broker": OK}


def probe_spool(spool: Spool) -> Mapping[str, str]:
    try:
        run_off_loop(spool.prove_writable)
    except SpoolError as exc:
        return {"spool": exc.reason.replace("_", " ")}
    return {"spool": OK}
