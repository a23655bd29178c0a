"""`python -m tasks.access_log`: goes through the chains and names the break."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.sealing import Sealer
from models.patients import AccessedWhat, ActorKind
from services.patients.access_log import AccessLog, Actor, Look
from tests.integration.commands import run_command
from tests.tables import delete_all_rows

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(engine: Engine, demo_env: dict[str, str], postgres_url: str) -> Iterator[Command]:
    """On a log with three entries of each of two days."""
    log = AccessLog(Sealer({"k": bytes(range(32))}), demo_env["WELNO_PSEUDONYM_KEY"])
    with Session(engine) as session, session.begin():
        for day in (24, 25):
            for _ in range(3):
                look = Look(Actor(ActorKind.PROCESS, "test"), AccessedWhat.FILE)
                log.record(session, look, datetime(2026, 11, day, tzinfo=UTC))
    env = demo_env | {"DATABASE_URL": postgres_url}

    def call(*arguments: str) -> tuple[int, str]:
        done = run_command("tasks.access_log", "check", *arguments, env=env)
        return done.status, done.output + done.errors

    yield call
    with engine.begin() as connection:
        delete_all_rows(connection)


def test_whole_chains_are_told_with_their_ends(command: Command):
    status, said = command()
    assert status == 0
    assert [line.partition(", ends with ")[0] for line in said.splitlines()] == [
        "2026-11-24  whole, 3 entries",
        "2026-11-25  whole, 3 entries",
    ]


def test_a_break_is_named_by_day_and_entry(command: Command, engine: Engine):
    with engine.begin() as connection:
        connection.execute(text("alter table welno.welno_access_log disable trigger append_only"))
        connection.execute(text("delete from welno.welno_access_log where day = '2026-11-25' and seq = 2"))
        connection.execute(text("alter table welno.welno_access_log enable always trigger append_only"))
    status, said = command()
    assert status == 1
    assert said.splitlines()[1] == "2026-11-25  broken at entry 2: the entry is missing"
    assert command("--day", "2026-11-24")[0] == 0


def test_a_day_that_is_gone_as_a_whole_is_named(command: Command, engine: Engine):
    with engine.begin() as connection:
        connection.execute(text("alter table welno.welno_access_log disable trigger append_only"))
        connection.execute(text("delete from welno.welno_access_log where day = '2026-11-24'"))
        connection.execute(text("delete from welno.welno_access_days where day = '2026-11-24'"))
        connection.execute(text("alter table welno.welno_access_log enable always trigger append_only"))
    status, said = command()
    assert status == 1
    assert said.startswith("2026-11-24  broken at entry 3: 2026-11-25 follows it")
