"""`python -m tasks.projects`: companies' projects and who is in them."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.integration.commands import run_command
from tests.integration.interviews.company import World, build_world
from tests.tables import delete_all_rows

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(engine: Engine, demo_env: dict[str, str], postgres_url: str) -> Iterator[Command]:
    env = demo_env | {"DATABASE_URL": postgres_url}

    def call(*arguments: str) -> tuple[int, str]:
        done = run_command("tasks.projects", *arguments, env=env)
        return done.status, done.output + done.errors

    yield call
    with engine.begin() as connection:
        delete_all_rows(connection)


@pytest.fixture
def world(engine: Engine, command: Command) -> World:
    del command  # which empties the tables afterwards
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return build_world(session)


def test_a_project_is_made_with_what_the_analysis_is_told(command: Command, engine: Engine):
    told = (
        "--purpose",
        "왜 멈추나",
        "--target-audience",
        "직장인",
        "--requires-consent",
        "--monthly-token-limit",
        "9000",
    )
    status, said = command("add", "배달 앱 연구", "--company", "한빛리서치", *told)
    with engine.connect() as connection:
        project = connection.execute(text("select * from welno.projects")).one()
        companies = connection.execute(text("select id, name from welno.companies")).all()
    assert (status, said.strip()) == (0, str(project.id))
    assert [(one.id, one.name) for one in companies] == [(project.company_id, "한빛리서치")]
    assert (project.name, project.purpose, project.target_audience) == ("배달 앱 연구", "왜 멈추나", "직장인")
    assert (project.requires_consent, project.monthly_token_limit, project.event_seq) == (True, 9000, 0)


def test_a_company_is_made_once(command: Command):
    first, again = (command("add-company", "한빛리서치") for _ in range(2))
    assert first == again
    assert first[0] == 0


def test_all_projects_are_listed_or_those_of_a_company(command: Command, world: World):
    lines = command("list")[1].splitlines()
    assert [line.split("  ")[1:] for line in lines] == [
        ["다른회사", "비밀 연구", "members: 1"],
        ["한빛리서치", "배달 앱 연구", "members: 3"],
        ["한빛리서치", "은행 앱 연구", "members: 1"],
    ]
    assert command("list", "--company", "다른회사") == (0, f"{world.secret}  다른회사  비밀 연구  members: 1\n")
    assert command("list", "--company", "없는회사") == (0, "")


def test_members_come_change_and_go(command: Command, world: World, engine: Engine):
    bank = str(world.bank)
    assert command("member", bank, "JUN@demo.test", "--role", "viewer")[0] == 0
    assert command("member", bank, "jun@demo.test", "--role", "admin")[0] == 0
    assert command("members", bank) == (0, "jun@demo.test  jun  admin\nmina@demo.test  mina  admin\n")
    assert command("remove-member", bank, "mina@demo.test")[0] == 0
    assert command("members", bank) == (0, "jun@demo.test  jun  admin\n")
    with engine.connect() as connection:
        told = connection.execute(text("select body::jsonb -> 'data' from welno.welno_events order by seq"))
        assert told.scalars().all() == [{"part": "members"}] * 2


def test_what_is_not_possible_is_told_in_a_sentence(command: Command, world: World):
    stranger = "nobody with this e-mail is in the project, or in its company\n"
    last = "the project's only admin stays: make somebody else one first\n"
    bank = str(world.bank)
    assert command("member", bank, "sora@demo.test", "--role", "viewer") == (1, stranger)
    assert command("remove-member", bank, "jun@demo.test") == (1, stranger)
    assert command("remove-member", bank, "mina@demo.test") == (1, last)
    assert command("member", bank, "mina@demo.test", "--role", "viewer") == (1, last)
    assert command("members", str(uuid4())) == (1, "no project has this id\n")


@pytest.mark.parametrize(
    "arguments", [("add", " ", "--company", "x"), ("add", "x"), ("members", "no-id"), ("member", str(uuid4()), "a@b.c")]
)
def test_wrong_use_is_told_by_status_2(command: Command, arguments: tuple[str, ...]):
    assert command(*arguments)[0] == 2
