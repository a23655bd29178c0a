"""Behind PgBouncer in transaction mode: what works there works, and what does not is refused at the start."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from sqlalchemy import URL, create_engine, event, make_url, text

from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.postgres import EmbeddedPostgres
from dev.local.programs import ROOT, web_program
from services.database import (
    DROPPED,
    POOLED,
    REFUSED,
    StalePrimary,
    UnsuitableDatabase,
    connect_database,
    find_unsuitable,
)
from services.processes.leases import ProcessLeaseHolder
from tests.pgbouncer import run_pgbouncer
from tests.plain_http import NO_TLS
from tests.stacks import create_database
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # seven processes at once
LIKE_OURS = "statement_timeout = '30s'", "idle_in_transaction_session_timeout = '5s'", "timezone = 'UTC'"
NEEDS_SESSION = {
    "worker": ("celery", "-A", "tasks.app", "worker", "-Q", "files", "--concurrency", "1"),
    "poller": ("tasks.processes.poller",),
    "migrations": ("alembic", "upgrade", "head"),
}
NEEDS_NONE = {
    "web": ("gunicorn", "-c", "webapp/gunicorn_conf.py", "--bind", "127.0.0.1:0", "webapp:create_app()"),
    "sweeper": ("tasks.processes.sweeper",),
    "runs": ("tasks.runs", "list"),
    "keys": ("tasks.keys", "count"),
}


@pytest.fixture(scope="module")
def bare(empty_postgres: EmbeddedPostgres) -> URL:
    """A database for which nothing is set."""
    return make_url(create_database(empty_postgres, "bare"))


def set_for_role(database: URL, settings: Sequence[str]) -> None:
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"alter role current_user in database {database.database} reset all"))
        for setting in settings:
            connection.execute(text(f"alter role current_user in database {database.database} set {setting}"))
    engine.dispose()


@pytest.fixture(scope="module")
def suited(empty_postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As docs/operations.md says: options ignored by the pooler, and set for the role."""
    database = make_url(create_database(empty_postgres, "suited"))
    set_for_role(database, LIKE_OURS)
    with run_pgbouncer(tmp_path_factory.mktemp("suited"), database, ignore="options") as url:
        yield url


def start(commands: Mapping[str, Sequence[str]], env: dict[str, str], url: str) -> dict[str, subprocess.Popen[str]]:
    """All at once: each spends its time on imports."""
    env = env | {"DATABASE_URL": url, "PATH": os.environ["PATH"]}
    options: Any = {"cwd": ROOT, "env": env, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return {name: subprocess.Popen([sys.executable, "-m", *command], **options) for name, command in commands.items()}


def ends(processes: dict[str, subprocess.Popen[str]]) -> dict[str, tuple[int, list[str]]]:
    """The exit status of each, and the sentence with which it ended."""
    try:
        told = {name: process.communicate(timeout=200)[0].splitlines() for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
    return {
        name: (processes[name].returncode, [line for line in lines if line.startswith("settings: ")])
        for name, lines in told.items()
    }


def test_a_process_that_needs_a_session_refuses_a_pooler(demo_env: dict[str, str], suited: str):
    ended = ends(start(NEEDS_SESSION, demo_env, suited))
    assert ended == dict.fromkeys(NEEDS_SESSION, (1, [f"settings: DATABASE_URL: {POOLED}"]))


@pytest.mark.parametrize(("ignore", "sentence"), [("", REFUSED), ("options", DROPPED)])
def test_no_process_starts_where_its_time_outs_would_not_hold(
    demo_env: dict[str, str], bare: URL, tmp_path: Path, ignore: str, sentence: str
):
    commands = NEEDS_SESSION | NEEDS_NONE
    with run_pgbouncer(tmp_path, bare, ignore=ignore) as url:
        ended = ends(start(commands, demo_env, url))
    assert ended == dict.fromkeys(commands, (1, [f"settings: DATABASE_URL: {sentence}"]))


@pytest.mark.parametrize(
    "wrong", ["statement_timeout = 0", "idle_in_transaction_session_timeout = 0", "timezone = 'ROK'"]
)
def test_no_connection_is_used_where_one_of_them_does_not_hold(
    empty_postgres: EmbeddedPostgres, tmp_path: Path, wrong: str
):
    database = make_url(create_database(empty_postgres, f"without_{tmp_path.name[-1]}"))
    set_for_role(database, [*LIKE_OURS, wrong])
    with run_pgbouncer(tmp_path, database, ignore="options") as url:
        engine = connect_database(url, pool_size=1)
        with pytest.raises(UnsuitableDatabase):
            engine.connect()
        engine.dispose()


def test_a_database_that_is_away_is_no_reason_to_refuse():
    engine = connect_database(f"postgresql://nobody@127.0.0.1:{pick_port()}/none", pool_size=1)
    assert find_unsuitable(engine, needs_session=True) is None


@pytest.mark.parametrize("error", [psycopg2.OperationalError("of several servers none takes writes"), StalePrimary()])
def test_a_primary_that_is_away_is_none_though_another_server_answers(bare: URL, error: Exception):
    engine = connect_database(bare.render_as_string(hide_password=False), pool_size=1)

    @event.listens_for(engine, "do_connect")
    def find_no_primary(*_: object) -> None:
        raise error

    assert find_unsuitable(engine, needs_session=True) is None
    engine.dispose()


def test_a_direct_connection_suits_everybody(bare: URL):
    engine = connect_database(bare.render_as_string(hide_password=False), pool_size=1)
    assert find_unsuitable(engine, needs_session=True) is None
    engine.dispose()


def test_a_lease_is_never_held_behind_a_pooler(suited: str):
    engine = connect_database(suited, pool_size=2)
    holder = ProcessLeaseHolder(engine, "worker", 5)
    with pytest.raises(UnsuitableDatabase):
        holder._register()
    assert holder.id is None
    engine.dispose()


def test_web_sweeper_and_commands_work_behind_a_pooler(demo_env: dict[str, str], suited: str):
    """The time-outs hold in each transaction, whichever connection of the server it gets."""
    port = pick_port()
    lasting = {"web": web_program("web", port).command[2:], "sweeper": NEEDS_NONE["sweeper"]}
    processes = start(lasting, demo_env, suited)
    try:
        ended = ends(start({name: NEEDS_NONE[name] for name in ("runs", "keys")}, demo_env, suited))
        assert [status for status, _ in ended.values()] == [0, 0]
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 120)
        parts = httpx.get(f"http://127.0.0.1:{port}/readyz", verify=NO_TLS).json()["parts"]
        assert (parts["postgresql"], parts["migrations"]) == ("ok", "ok")
        assert processes["sweeper"].poll() is None
    finally:
        for process in processes.values():
            process.terminate()
        assert [status for status, _ in ends(processes).values()] == [0, 0]
