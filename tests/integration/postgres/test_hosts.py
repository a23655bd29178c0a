"""An engine whose address names two servers: which one it uses, and what becomes of its connections."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_USER_TIMEOUT, create_connection, create_server, fromfd, socket

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from core.settings.addresses import read_database_url
from dev.local.ports import LOOPBACK
from dev.local.programs import ROOT
from services.database import ReadOnlyDatabase, StalePrimary, connect_database
from tests.integration.commands import run_command
from tests.postgres_pair import Node, PostgresPair
from tests.waiting import wait_until

# Twice what a process takes until it looks at the servers again.
LOOKED_SECONDS = 20
# A web process' way: libpq does not block, and heeds no connect_timeout.
COOPERATIVE = """
from gevent import monkey; monkey.patch_all()
from psycogreen.gevent import patch_psycopg; patch_psycopg()
import sys
from services.database import connect_database
with connect_database(sys.argv[1], pool_size=1).connect() as connection:
    print(connection.exec_driver_sql("show port").scalar())
"""


@pytest.fixture
def engine(pair: PostgresPair) -> Iterator[Engine]:
    engine = connect_database(read_database_url(pair.url), pool_size=2)
    yield engine
    engine.dispose()


def used_port(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("show port")).scalar_one())


def is_used(node: Node, engine: Engine) -> bool:
    """False also for whoever was on a connection that ends just then."""
    try:
        return used_port(engine) == node.server.port
    except OperationalError:
        return False


def port_of_a_cooperative_process(url: str) -> int:
    command = [sys.executable, "-c", COOPERATIVE, url]
    told = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=100)
    return int(told.stdout)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Of a host that is gone: what is sent to it is dropped, as its queue of connections is full."""
    with create_server((LOOPBACK, 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers: list[socket] = []
        with suppress(TimeoutError):
            while True:
                fillers.append(create_connection(address, timeout=0.5))
        yield address[1]
        for filler in fillers:
            filler.close()


def test_the_one_that_takes_writes_is_used_wherever_it_stands(pair: PostgresPair):
    engine = connect_database(read_database_url(pair.url_for(pair.replica, pair.primary)), pool_size=1)
    assert used_port(engine) == pair.primary.server.port
    engine.dispose()


def test_migrations_find_the_one_that_takes_writes(pair: PostgresPair):
    url = pair.url_for(pair.replica, pair.primary)
    ended = run_command("alembic", "upgrade", "head", env={"DATABASE_URL": url})
    assert ended.status == 0, ended.errors


def test_connections_of_before_are_dropped_at_the_first_refused_write(pair: PostgresPair, engine: Engine):
    with engine.connect() as one, engine.connect() as other:
        assert one.execute(text("select 1")).scalar() == other.execute(text("select 1")).scalar()
    pair.primary.set("default_transaction_read_only", "on")
    assert used_port(engine) == pair.primary.server.port  # who only reads notices nothing
    pair.replica.promote()
    with pytest.raises(ReadOnlyDatabase), engine.begin() as connection:
        connection.execute(text("create table public.written (number int)"))
    assert used_port(engine) == pair.replica.server.port
    with engine.begin() as connection:
        connection.execute(text("create table public.written (number int)"))


def test_a_primary_of_before_that_comes_back_is_not_preferred(pair: PostgresPair, engine: Engine):
    assert used_port(engine) == pair.primary.server.port
    pair.primary.server.kill()
    pair.replica.promote()
    assert used_port(engine) == pair.replica.server.port
    pair.primary.server.start()
    engine.dispose()  # its connections, not what it knows
    assert used_port(engine) == pair.replica.server.port


def test_of_two_that_take_writes_a_new_process_takes_the_one_that_was_promoted_last(pair: PostgresPair, engine: Engine):
    pair.replica.promote()
    assert used_port(engine) == pair.replica.server.port


def test_connections_to_a_primary_that_was_left_behind_end_when_its_successor_is_seen(
    pair: PostgresPair, engine: Engine
):
    """Also those that are kept, as a lease's: the locks of that session are nobody's any more."""
    with engine.connect() as kept:
        assert kept.execute(text("show port")).scalar() == str(pair.primary.server.port)
        kept.commit()
        pair.replica.promote()
        wait_until(lambda: is_used(pair.replica, engine), LOOKED_SECONDS)
        with pytest.raises(OperationalError):
            kept.execute(text("select 1"))


def test_a_primary_that_was_left_behind_is_not_taken_while_its_successor_is_away(pair: PostgresPair, engine: Engine):
    pair.replica.promote()
    assert used_port(engine) == pair.replica.server.port
    pair.replica.server.kill()
    engine.dispose()  # its connections, not what it knows
    with pytest.raises(StalePrimary, match="its successor does not answer"):
        used_port(engine)
    pair.replica.server.start()
    assert used_port(engine) == pair.replica.server.port


def test_a_server_that_tells_no_timeline_is_taken_as_it_is(pair: PostgresPair):
    """As some managed ones do."""
    pair.primary.ask("create role visitor login password 'invented'")
    pair.primary.ask("revoke execute on function pg_current_wal_lsn() from public")
    url = make_url(read_database_url(pair.url)).set(username="visitor", password="invented")
    engine = connect_database(url.render_as_string(hide_password=False), pool_size=1)
    assert used_port(engine) == pair.primary.server.port
    with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text("select pg_current_wal_lsn()"))
    engine.dispose()


@pytest.mark.parametrize("how", ["blocking", "cooperative"])
def test_a_standby_that_hangs_keeps_nobody_from_its_primary(pair: PostgresPair, engine: Engine, how: str):
    pair.replica.server.process.send(signal.SIGSTOP)
    try:
        is_blocking = how == "blocking"
        port = used_port(engine) if is_blocking else port_of_a_cooperative_process(read_database_url(pair.url))
    finally:
        pair.replica.server.process.send(signal.SIGCONT)
    assert port == pair.primary.server.port


@pytest.mark.parametrize("how", ["blocking", "cooperative"])
def test_a_host_that_is_gone_without_a_word_keeps_nobody_for_long(pair: PostgresPair, silent_port: int, how: str):
    url = pair.primary.server.url.replace(f":{pair.primary.server.port}", f":{silent_port},{pair.primary.address}")
    url = read_database_url(f"{url}?target_session_attrs=read-write")
    began = time.monotonic()
    if how == "blocking":
        engine = connect_database(url, pool_size=1)
        assert used_port(engine) == pair.primary.server.port
        asked_again = time.monotonic()
        engine.dispose()
        assert used_port(engine) == pair.primary.server.port
        assert time.monotonic() - asked_again < 3
    else:
        assert port_of_a_cooperative_process(url) == pair.primary.server.port
    assert time.monotonic() - began < 40


def test_what_a_host_does_not_acknowledge_ends_the_connection(engine: Engine):
    with engine.connect() as connection:
        number = connection.connection.driver_connection.fileno()  # type: ignore[union-attr] # psycopg2's
        with fromfd(number, -1, -1) as wire:
            assert wire.getsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT) == 5_000
