"""`/readyz` proves that each store takes what the product writes."""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.names import ProcessKind
from core.settings import Settings
from dev.local.ports import LOOPBACK, pick_port
from models.processes import ProcessLease
from services.accounts.revocations import token_time
from tests.replication import Pair, replicated
from tests.waiting import wait_until
from webapp import create_app
from webapp.current import parts
from webapp.readiness import NO_ANSWER, OK

PARTS = ["postgresql", "migrations", "worker", "redis", "broker", "spool"]
Remake = Callable[..., Flask]


@pytest.fixture(autouse=True)
def _fresh_answer(app: Flask) -> None:
    """The app is shared, and an answer serves for a second."""
    parts(app).readiness._answered_at = float("-inf")


@pytest.fixture
def remake(app: Flask, web_settings: Settings) -> Iterator[Remake]:
    """The app with other stores."""
    made: list[Flask] = []

    def make(**stores: str) -> Flask:
        made.append(create_app(replace(web_settings, stores=replace(web_settings.stores, **stores))))
        return made[-1]

    yield make
    for one in made:
        parts(one).close()


@pytest.fixture
def worker(app: Flask) -> None:
    lease(app, ProcessKind.WORKER, seconds_left=60)


def lease(app: Flask, kind: ProcessKind, *, seconds_left: float) -> None:
    with parts(app).stores.unit_of_work() as work:
        until = token_time(work.session) + timedelta(seconds=seconds_left)
        work.session.add(ProcessLease(id=1, kind=kind, lease_until=until))


def told(app: Flask) -> dict[str, str]:
    """What is told of the parts; its status fits."""
    answer = app.test_client().get("/readyz")
    words: dict[str, str] = answer.json["parts"]
    assert answer.status_code == (200 if set(words.values()) == {OK} else 503)
    assert list(words) == PARTS
    return words


def wait_for(app: Flask, part: str, word: str, seconds: float = 5) -> None:
    wait_until(lambda: told(app)[part] == word, seconds, every=0.1)


def test_ready_when_stores_take_writes_and_a_worker_lives(app: Flask, worker: None):
    assert told(app) == dict.fromkeys(PARTS, OK)


def test_not_ready_without_a_worker(app: Flask):
    lease(app, ProcessKind.POLLER, seconds_left=60)
    assert told(app)["worker"] == "silent"


def test_a_worker_whose_lease_ran_out_is_silent(app: Flask):
    lease(app, ProcessKind.WORKER, seconds_left=-0.1)
    assert told(app)["worker"] == "silent"


def test_a_database_that_may_only_be_read_is_not_ready(remake: Remake, engine: Engine, worker: None):
    """Its error is a standby's."""
    with read_only(engine):
        read = told(remake())
    assert (read["postgresql"], read["migrations"], read["worker"]) == ("read only", OK, OK)


@contextmanager
def read_only(engine: Engine) -> Iterator[None]:
    """For connections that are opened meanwhile."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("alter role current_user set default_transaction_read_only = on"))
        try:
            yield
        finally:
            connection.execute(text("alter role current_user reset default_transaction_read_only"))


def test_not_ready_before_the_migrations(app: Flask, engine: Engine):
    with at_revision(engine, None):
        assert told(app)["migrations"] == "not at the head"


def test_ready_when_a_newer_deployment_has_migrated_already(app: Flask, engine: Engine):
    with at_revision(engine, "9999"):
        assert told(app)["migrations"] == OK


@contextmanager
def at_revision(engine: Engine, revision: str | None) -> Iterator[None]:
    """The migrations' own mark says so; the tables stay as they are."""
    with engine.begin() as connection:
        [head] = connection.execute(text("delete from public.alembic_version returning version_num")).scalars()
        if revision:
            connection.execute(text("insert into public.alembic_version values (:it)"), {"it": revision})
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("delete from public.alembic_version"))
            connection.execute(text("insert into public.alembic_version values (:it)"), {"it": head})


def may_be_sent_requests(app: Flask) -> bool:
    answer = app.test_client().get("/readyz/process")
    assert (answer.status_code, answer.json["status"]) in {(200, "ok"), (503, "unavailable")}
    return bool(answer.status_code == 200)


def test_a_proxy_sends_nothing_before_the_migrations(remake: Remake, engine: Engine):
    app = remake()
    with at_revision(engine, None):
        assert not may_be_sent_requests(app)
    wait_until(lambda: may_be_sent_requests(app), 5)


def test_a_proxy_takes_nobody_out_for_stores_that_are_away(remake: Remake):
    redis = f"redis://127.0.0.1:{pick_port()}/0"
    database = f"postgresql+psycopg2://nobody@127.0.0.1:{pick_port()}/x"
    app = remake(database_url=database, redis_url=redis, broker_url=redis)
    assert may_be_sent_requests(app)
    assert set(told(app).values()) == {"unreachable", OK}


def test_a_proxy_is_answered_within_a_second_though_the_database_hangs(remake: Remake):
    with socket.create_server((LOOPBACK, 0)) as listener:
        app = remake(database_url=f"postgresql+psycopg2://nobody@{LOOPBACK}:{listener.getsockname()[1]}/x")
        began = time.monotonic()
        assert may_be_sent_requests(app)
        assert time.monotonic() - began < 1


def test_a_process_whose_tables_were_right_is_not_asked_again(remake: Remake, engine: Engine):
    app = remake()
    assert may_be_sent_requests(app)
    with at_revision(engine, None):
        assert may_be_sent_requests(app)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.mark.parametrize(("store", "part"), [("redis_url", "redis"), ("broker_url", "broker")])
def test_a_redis_that_was_demoted_is_not_ready_until_it_is_promoted(remake: Remake, pair: Pair, store: str, part: str):
    app = remake(**{store: pair.url})
    assert told(app)[part] == OK
    with pair.demoted():
        wait_for(app, part, "read only")
    wait_for(app, part, OK, 2.5)


@pytest.mark.parametrize(("store", "part"), [("redis_url", "redis"), ("broker_url", "broker")])
def test_a_failover_is_followed_within_two_seconds(remake: Remake, pair: Pair, store: str, part: str):
    app = remake(**{store: pair.url})
    assert told(app)[part] == OK
    pair.fail_over()
    wait_for(app, part, OK, 2)


@pytest.mark.parametrize(("store", "part"), [("redis_url", "redis"), ("broker_url", "broker")])
def test_a_full_redis_is_not_ready(remake: Remake, pair: Pair, store: str, part: str):
    app = remake(**{store: pair.url})
    pair.primary.admin.config_set("maxmemory", 1)
    assert told(app)[part] == "out of memory"
    pair.primary.admin.config_set("maxmemory", 0)
    wait_for(app, part, OK, 2.5)


def test_stores_that_are_away_are_told_together(remake: Remake):
    redis = f"redis://127.0.0.1:{pick_port()}/0"
    database = f"postgresql+psycopg2://nobody@127.0.0.1:{pick_port()}/x"
    app = remake(database_url=database, redis_url=redis, broker_url=redis)
    assert told(app) == dict.fromkeys(PARTS[:-1], "unreachable") | {"spool": OK}


def test_stores_that_hang_are_told_within_the_deadline(remake: Remake):
    with socket.create_server((LOOPBACK, 0)) as listener:
        address = f"{LOOPBACK}:{listener.getsockname()[1]}"
        app = remake(
            database_url=f"postgresql+psycopg2://nobody@{address}/x",
            redis_url=f"redis://{address}/0",
            broker_url=f"redis://{address}/0",
        )
        began = time.monotonic()
        words = told(app)
        assert time.monotonic() - began < 4
    assert {words[part] for part in PARTS[:-1]} <= {NO_ANSWER, "unreachable"}
    assert words["postgresql"] == words["redis"] == NO_ANSWER


def test_a_spool_that_takes_no_file_is_not_ready(app: Flask):
    root = parts(app).spool.storage.root
    assert told(app)["spool"] == OK
    shutil.rmtree(root / "incoming")
    wait_for(app, "spool", "missing")


def test_the_proof_of_the_spool_leaves_nothing(app: Flask):
    told(app)
    assert [path for path in parts(app).spool.storage.root.rglob("*") if path.is_file()] == []
