"""Real servers for the tests: PostgreSQL, Valkey and the sandbox, started on demand and always stopped."""

import gc
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from dev.hosts.haproxy import NO_HAPROXY
from dev.local.faketime import NO_FAKETIME
from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.postgres import EmbeddedPostgres
from dev.local.process import Process
from dev.local.programs import ROOT, sandbox_program
from dev.local.rabbitmq import NO_RABBITMQ, RabbitMQ
from dev.local.secrets import demo_environment
from dev.local.valkey import EmbeddedValkey
from tests.chromium import choose_node, set_default_timeouts
from tests.data_centre import NO_NAMESPACES
from tests.firefox import FIND_FIREFOX, NO_FIREFOX
from tests.nginx import NO_NGINX
from tests.pgbouncer import NO_PGBOUNCER
from tests.rabbitmq import run_rabbitmq
from tests.stacks import TEMPLATE_DATABASE, copied_home, create_database, make_migrated_home

pytest_plugins = [
    "tests.accessibility",
    "tests.repetition",
    "tests.scheduling",
    "tests.server_logs",
    "tests.slow",
    "tests.uncached_loggers",
]
FIND_CHROMIUM = ROOT / "dev" / "scripts" / "find-chromium"
NO_CHROMIUM = "there is no Chromium: `make test` says why, or install Chromium or Google Chrome"

# How fast examples come says how busy the machine is, and nothing about the code.
settings.register_profile("welno", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("welno")


@pytest.fixture(scope="session")
def migrated_home() -> Iterator[Path]:
    """A home with a migrated database, at rest: the migrations run once, and stacks start on copies (`copied_home`)."""
    with tempfile.TemporaryDirectory(prefix="welno-test-") as folder:
        yield make_migrated_home(Path(folder))


@pytest.fixture(scope="session")
def server_home(migrated_home: Path) -> Iterator[Path]:
    with copied_home(migrated_home) as home:
        yield home


@pytest.fixture(scope="session")
def empty_postgres(server_home: Path) -> Iterator[EmbeddedPostgres]:
    """With the schema and without a row; `TEMPLATE_DATABASE` is the same, for databases that are made of it."""
    with EmbeddedPostgres(server_home, fast=True) as server:
        create_database(server, TEMPLATE_DATABASE, template="welno")
        yield server


@pytest.fixture(scope="session")
def valkey(server_home: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(server_home, appendonly=False) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    with run_rabbitmq() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(valkey: EmbeddedValkey) -> str:
    return valkey.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """An empty Redis, and empty again afterwards."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client
        client.flushall()


@pytest.fixture(scope="session")
def sandbox_port() -> int:
    return pick_port()


@pytest.fixture(scope="session")
def demo_env(
    server_home: Path, empty_postgres: EmbeddedPostgres, valkey: EmbeddedValkey, sandbox_port: int
) -> dict[str, str]:
    """The environment of a process that belongs to these servers; `Settings.read` takes it."""
    return demo_environment(
        server_home,
        database_url=empty_postgres.url,
        redis_url=valkey.url,
        sandbox_port=sandbox_port,
        web_port=pick_port(),
        flower_port=pick_port(),
    )


@pytest.fixture(scope="session")
def postgres_url(empty_postgres: EmbeddedPostgres) -> str:
    return empty_postgres.url


@pytest.fixture(scope="session")
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def db_session(engine: Engine) -> Iterator[Session]:
    """Everything in one outer transaction that is rolled back; the code under test may commit."""
    with engine.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


@pytest.fixture(scope="session")
def sandbox_url(server_home: Path, sandbox_port: int, demo_env: dict[str, str]) -> Iterator[str]:
    program = sandbox_program(server_home, sandbox_port)
    sandbox = Process(program.name, program.command, server_home / "logs" / "sandbox.log", env=demo_env, cwd=ROOT)
    sandbox.start()
    try:
        sandbox.wait_until(lambda: answers(program.health_url), 20)
        yield program.url
    finally:
        sandbox.stop()


@pytest.fixture(scope="session")
def chromium_program() -> str:
    """Its path. Where there is none the browser's tests are skipped and the run says so at its end; CI fails."""
    program = _find_browser(FIND_CHROMIUM, NO_CHROMIUM)
    choose_node()
    set_default_timeouts()
    return program


@pytest.fixture(scope="session")
def firefox_program() -> str:
    """Its path; what is true of Chromium's tests where there is none, is true of these."""
    return _find_browser(FIND_FIREFOX, NO_FIREFOX)


def _find_browser(script: str | Path, missing: str) -> str:
    found = subprocess.run([script], check=False, capture_output=True, text=True, timeout=30)
    if found.returncode == 0:
        return found.stdout.strip()
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def pytest_configure() -> None:
    """A proxy of the machine must not stand between the tests and servers on 127.0.0.1."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Nine thousand tests and all that they import are there to the end: to look for what of it may go took a quarter
    of the time in which each worker collects them, and would take more during each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """What was not tested at all is the last thing that is said."""
    yield
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None:
        return
    skipped = [str(report.longrepr) for report in terminal.stats.get("skipped", ())]
    for subject, reason in (
        ("the pages", NO_CHROMIUM),
        ("the pages in Firefox", NO_FIREFOX),
        ("hosts whose clocks are apart", NO_FAKETIME),
        ("a connection pooler", NO_PGBOUNCER),
        ("the reverse proxy of the documentation", NO_NGINX),
        ("RabbitMQ as the broker", NO_RABBITMQ),
        ("a data centre of several hosts", NO_HAPROXY),
        ("a data centre of several hosts", NO_NAMESPACES),
    ):
        missed = sum(reason in why for why in skipped)
        if missed:
            terminal.write_line(f"NOT TESTED: {missed} tests of {subject}, as {reason}", red=True, bold=True)
