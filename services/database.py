"""Connections to PostgreSQL, and whether it can be worked with in the way it is reached: directly or by a pooler, and
by a login that inherits none of the interviews' roles.

A pooler that hands a server's connection to another client after each transaction keeps no session: startup options
are refused or dropped, and advisory locks stay behind. Errors: UnsuitableDatabase, of which ReadOnlyDatabase and
StalePrimary are two (retryable).
"""

import math
import time
from contextlib import closing
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.clock import Clock
from services.primaries import NewestPrimary

# A statement that runs longer than this is a mistake of ours, not a slow answer; imports set their own.
STATEMENT_TIMEOUT_SECONDS = 30
# A process that hangs in the middle of a transaction holds the rows that the sweep wants to take from it.
IDLE_TIMEOUT_SECONDS = 5
_CONNECT_TIMEOUT_SECONDS = 5
# Of a host that is gone without a word: keepalives are silent while something waits to be acknowledged, and libpq heeds
# no connect_timeout where it does not block (gevent).
_UNACKNOWLEDGED_MS = 5_000
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
# The server's own wait for us would be two hours, in which a dead host's locks and connections are held.
_SERVER_TCP_OPTIONS = " ".join(
    f"-c tcp_{name}={value}" for name, value in {**_KEEPALIVES, "user_timeout": _UNACKNOWLEDGED_MS}.items()
)
_OPTIONS = (
    f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c timezone=UTC"
    f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_SECONDS}s {_SERVER_TCP_OPTIONS}"
)
# A connection that has just worked is believed; one that rested for longer is tried first. A try before each use costs
# as much as a statement; a server that restarts takes longer than this.
_BELIEVED_SECONDS = 0.05
_PORT = 5432
# The class of SQLSTATEs; psycopg2 calls them operational, too.
_BEYOND_LIMITS = "54"
_QUERY_CANCELED = "57014"
_LOCK_NOT_AVAILABLE = "55P03"
_READ_ONLY = "25006"
_UNSUITABLE_SESSION = """
    select current_setting('statement_timeout') = '0' or current_setting('idle_in_transaction_session_timeout') = '0'
        or current_setting('timezone') <> 'UTC'
"""
# What undoes each grant by which this login inherits a role of the interviews, be it through another role: it is under
# that role's policies without taking it on, and those of `welno_searcher` show all utterances. None holds a superuser.
_UNDO_INHERITED = """
    select string_agg(format('grant %I to %I with inherit false granted by %I', wanted.rolname, heir.rolname,
        giver.rolname), '; ' order by wanted.rolname, heir.rolname, giver.rolname)
    from pg_auth_members given
    join pg_roles wanted on wanted.oid = given.roleid
    join pg_roles heir on heir.oid = given.member
    join pg_roles giver on giver.oid = given.grantor
    where wanted.rolname in ('welno_member', 'welno_analyst', 'welno_searcher')
        and given.inherit_option and pg_has_role(heir.oid, 'usage')
        and not (select rolsuper from pg_roles where rolname = current_user)
"""
DROPPED = (
    "the pooler in between drops our time-outs or time zone; set them for the role (docs/operations.md, 'Behind a"
    " connection pooler'), or connect directly"
)
REFUSED = (
    "the pooler in between refuses our startup options; have it ignore them and set them for the role"
    " (docs/operations.md, 'Behind a connection pooler'), or connect directly"
)
READ_ONLY = (
    "takes no writes: a standby, or a primary that was left behind (docs/operations.md, 'A primary and a replica')"
)
STALE = (
    "takes writes on an older timeline than a server that was seen before: it was left behind, and its successor does"
    " not answer (docs/operations.md, 'A primary and a replica'; after a restore, restart the process)"
)
INHERITS = (
    "this login inherits roles of the interviews, and with them rows that it must not see (docs/operations.md,"
    " 'Row-level security of the interviews'); the migrations undo it for their own login; as an administrator: {}"
)
POOLED = "leads to a connection pooler; this process needs a direct connection, as its locks belong to a session"


class UnsuitableDatabase(SQLAlchemyError):
    """It answers, but what we rely on does not hold there: to whoever runs already it is as good as away. The text is a
    sentence for the operator."""

    retryable = True


class ReadOnlyDatabase(UnsuitableDatabase):
    """A standby, or a primary that was made read-only for a failover; the connections to it are dropped. `orig` is the
    driver's error."""

    def __init__(self, orig: BaseException | None) -> None:
        super().__init__(READ_ONLY)
        self.orig = orig


class StalePrimary(UnsuitableDatabase):
    """Only a primary that was left behind answers: what it takes would be lost."""

    def __init__(self) -> None:
        super().__init__(STALE)


STORE_AWAY = (OperationalError, InterfaceError, PoolTimeout, UnsuitableDatabase)


def is_store_away(error: Exception) -> bool:
    """Whether the same may work later, as the database is away or in trouble. What it refuses as beyond its limits, it
    always will."""
    return isinstance(error, STORE_AWAY) and not _code_of(error).startswith(_BEYOND_LIMITS)


def is_query_canceled(error: Exception) -> bool:
    """Usually by our statement timeout: the database is busy, or this statement never ends. Somebody who calls
    pg_cancel_backend() does it, too; the two differ in their text alone."""
    return _code_of(error) == _QUERY_CANCELED


def is_lock_timeout(error: Exception) -> bool:
    """Another transaction held what was asked for, longer than `lock_timeout` lets us wait."""
    return _code_of(error) == _LOCK_NOT_AVAILABLE


def _code_of(error: Exception) -> str:
    return getattr(getattr(error, "orig", None), "pgcode", None) or ""


def connect_database(url: str, pool_size: int, clock: Clock | None = None) -> Engine:
    """An engine whose connections are tried after a rest and never wait for ever. A `clock` that is given follows the
    database's from the first connection on. Its use raises UnsuitableDatabase where the time-outs would not hold."""
    engine = _connect(url, pool_size)
    event.listen(engine, "handle_error", _leave_read_only)
    _choose_newest_primary(engine)
    _try_after_rest(engine, clock)
    return engine


def connect_replica(url: str, pool_size: int) -> Engine:
    """The same of a standby. Each statement is a transaction of its own, as nobody writes there."""
    engine = _connect(url, pool_size, isolation_level="AUTOCOMMIT")
    _try_after_rest(engine, None)
    return engine


def _connect(url: str, pool_size: int, **options: Any) -> Engine:
    scheme, _, rest = url.partition("://")
    engine = create_engine(
        f"{scheme if '+' in scheme else 'postgresql+psycopg2'}://{rest}",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        # An error that quotes the statement's values would carry them into logs.
        hide_parameters=True,
        **options,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "application_name": "welno",
            **_KEEPALIVES,
            "tcp_user_timeout": _UNACKNOWLEDGED_MS,
            "options": _OPTIONS,
        },
    )
    event.listen(engine, "connect", _require_time_outs)
    return engine


def hosts_of(engine: Engine) -> list[tuple[str, int]]:
    """The servers that its address names, and their ports."""
    _, options = engine.dialect.create_connect_args(engine.url)
    hosts, ports = (str(options.get(name) or "").split(",") for name in ("host", "port"))
    return [(host, int(port or _PORT)) for host, port in zip(hosts, ports, strict=True)]


def find_unsuitable(engine: Engine, *, needs_session: bool = False, may_inherit: bool = False) -> str | None:
    """For a process' start: the sentence that says why it cannot work with this database; None when it can, and also
    when it is not there. `needs_session`: it holds advisory locks, so there must be no pooler at all. `may_inherit`:
    the login may still inherit a role of the interviews, as that of the migrations, which see to it themselves."""
    try:
        with engine.connect() as connection:
            if needs_session and is_pooled(connection):
                return POOLED
            return None if may_inherit else _find_inherited(connection)
    except StalePrimary:  # its successor is, until it can be reached
        return None
    except UnsuitableDatabase as exc:
        return str(exc)
    except SQLAlchemyError:
        return REFUSED if _refuses_options(engine) else None


def _find_inherited(connection: Connection) -> str | None:
    undo = connection.execute(text(_UNDO_INHERITED)).scalar_one()
    return INHERITS.format(undo) if undo else None


def is_pooled(connection: Connection) -> bool:
    """Whether somebody stands between us and the server: it was told another process id than the server has."""
    told: int = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr] # psycopg2's
    served: int = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
    return told != served


def _refuses_options(engine: Engine) -> bool:
    """Whether it answers without our options, before and after it does not with them. That our own connection failed is
    no proof: of several servers the primary may be away, and a standby answer."""
    return _connects(engine.url) and not _connects(engine.url, options=_OPTIONS) and _connects(engine.url)


def _connects(url: URL, **arguments: str) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": _CONNECT_TIMEOUT_SECONDS, **arguments})
    try:
        with engine.connect():
            return True
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def _require_time_outs(connection: Any, _record: object) -> None:
    """Once per connection: a time-out that silently does not hold is noticed when it is needed."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(_UNSUITABLE_SESSION)
        [is_unsuitable] = cursor.fetchone()
    connection.rollback()
    if is_unsuitable:
        connection.close()
        raise UnsuitableDatabase(DROPPED)


def _leave_read_only(context: ExceptionContext) -> None:
    """Whoever connects anew finds the primary; the pool would keep its connections, on which reads go well."""
    if getattr(context.original_exception, "pgcode", None) == _READ_ONLY:
        context.is_disconnect = True
        raise ReadOnlyDatabase(context.original_exception)


def _choose_newest_primary(engine: Engine) -> None:
    addresses = hosts_of(engine)
    if len(addresses) > 1:
        NewestPrimary(engine, addresses, StalePrimary)


def _try_after_rest(engine: Engine, clock: Clock | None) -> None:
    @event.listens_for(engine, "checkin")
    def note_use(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def try_connection(connection: Any, record: Any, _proxy: Any) -> None:
        is_believed = time.monotonic() - record.info.get("used_at", -math.inf) < _BELIEVED_SECONDS
        wants_reading = clock is not None and clock.wants_reading()
        if is_believed and not wants_reading:
            return
        try:
            if clock is None:
                engine.dialect.do_ping(connection)
            else:
                _read_clock(connection, clock)
        except engine.dialect.loaded_dbapi.Error as exc:
            if not engine.dialect.is_disconnect(exc, connection, None):
                raise
            # The others are as old: the pool opens new ones.
            raise InvalidatePoolError from exc


def _read_clock(connection: Any, clock: Clock) -> None:
    """Outside of any transaction, on a connection that has none."""
    before, connection.autocommit = connection.autocommit, True
    asked = clock.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute("select clock_timestamp()")
            (at,) = cursor.fetchone()
    finally:
        if not connection.closed:
            connection.autocommit = before
    clock.follow(at, asked=asked, answered=clock.monotonic())
