"""`python -m tasks.accounts`: makes, changes and disables accounts."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from dev.local.programs import ROOT
from tests.integration.commands import run_command
from tests.tables import delete_all_rows
from tests.waiting import COMMAND_SECONDS

PASSWORD = "an invented password"


@pytest.fixture
def command(engine: Engine, demo_env: dict[str, str], postgres_url: str):
    env = demo_env | {"DATABASE_URL": postgres_url}

    def call(*arguments: str, typed: str = "") -> tuple[int, str]:
        done = run_command("tasks.accounts", *arguments, env=env, typed=f"{typed}\n")
        return done.status, done.output + done.errors

    yield call
    with engine.begin() as connection:
        delete_all_rows(connection)


def test_an_account_is_made_once_given_another_password_and_disabled(command, engine: Engine):
    made, said = command("add", "Night", "--name", "밤 당번", "--role", "auditor", typed=PASSWORD)
    assert made == 0
    with engine.connect() as connection:
        row = connection.execute(text("select login, kind, role, password_hash, account_id from welno.accounts")).one()
    assert (row.login, row.kind, row.role, str(row.account_id)) == ("night", "operator", "auditor", said.strip())
    assert PASSWORD not in row.password_hash
    assert command("add", "night", "--name", "다른 사람", typed=PASSWORD) == (
        1,
        "this login is taken among accounts of kind operator\n",
    )
    assert command("password", "night", typed=PASSWORD)[0] == 0
    assert command("forget-totp", "night")[0] == 0
    assert command("disable", "night")[0] == 0
    with engine.connect() as connection:
        assert not connection.execute(text("select is_active from welno.accounts")).scalar_one()
    assert command("enable", "night")[0] == 0


def test_an_account_is_made_by_a_process_that_starts_from_nothing(command, demo_env: dict[str, str], engine: Engine):
    arguments = (sys.executable, "-m", "tasks.accounts", "add", "night", "--name", "밤 당번")
    env = {"PATH": os.environ["PATH"], **demo_env}
    subprocess.run(arguments, check=True, cwd=ROOT, env=env, input=f"{PASSWORD}\n", text=True, timeout=COMMAND_SECONDS)
    with engine.connect() as connection:
        assert connection.execute(text("select login, name from welno.accounts")).one() == ("night", "밤 당번")


def test_every_change_is_recorded_with_who_made_it(command, engine: Engine):
    command("add", "night", "--name", "밤 당번", "--by", "ticket 17", typed=PASSWORD)
    for verb in ("password", "forget-totp", "disable", "enable"):
        assert command(verb, "night", "--by", "the head of operations", typed=PASSWORD)[0] == 0
    status, said = command("changes", "night")
    lines = [line.split("  ") for line in said.splitlines()]
    head = "by the head of operations"
    assert (status, [line[1:] for line in lines]) == (
        0,
        [
            ["added", "operator", "by ticket 17"],
            ["password_changed", "operator", head],
            ["second_factor_forgotten", "operator", head],
            ["disabled", "operator", head],
            ["enabled", "operator", head],
        ],
    )


def test_without_a_name_the_machines_user_is_recorded(command, engine: Engine):
    command("add", "night", "--name", "밤 당번", typed=PASSWORD)
    assert "by the user " in command("changes", "night")[1]


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "statement",
    [
        "update welno.account_changes set by = 'x'",
        "delete from welno.account_changes",
        "truncate welno.account_changes",
    ],
)
def test_postgresql_refuses_to_change_what_is_recorded(command, engine: Engine, statement: str, role: str):
    command("add", "night", "--name", "밤 당번", typed=PASSWORD)
    with engine.begin() as connection:
        connection.execute(text(f"set local session_replication_role = {role}"))
        with pytest.raises(ProgrammingError, match="append-only"):
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add", "night", "--name", "x"), "too short", "a password has 12 to 256 characters"),
        (
            ("add", "night", "--name", "x", "--role", "admin"),
            PASSWORD,
            "accounts of kind operator are auditor or operator",
        ),
        (("disable", "nobody"), "", "no account of kind operator has this login"),
    ],
)
def test_what_is_not_possible_is_told_in_a_sentence(command, arguments: tuple[str, ...], typed: str, sentence: str):
    assert command(*arguments, typed=typed) == (1, f"{sentence}\n")


def test_a_member_is_made_with_an_email_and_a_company(command, engine: Engine):
    wanted = ("--kind", "member", "--name", "미나")
    assert command("add", "mina@demo.test", *wanted, typed=PASSWORD)[0] == 1
    assert command("add", "mina", *wanted, "--company", "한빛리서치", typed=PASSWORD)[0] == 1
    assert command("add", "Mina@demo.test", *wanted, "--company", "한빛리서치", typed=PASSWORD)[0] == 0
    assert command("add", "jun@demo.test", *wanted, "--company", "한빛리서치", typed=PASSWORD)[0] == 0
    with engine.connect() as connection:
        rows = connection.execute(
            text("select login, role, companies.name from welno.accounts join welno.companies on id = company_id")
        )
        assert {tuple(row) for row in rows} == {
            ("mina@demo.test", "member", "한빛리서치"),
            ("jun@demo.test", "member", "한빛리서치"),
        }
        assert connection.execute(text("select count(*) from welno.companies")).scalar_one() == 1
