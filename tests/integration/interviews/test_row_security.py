"""Row-level security: raw SQL under each role, for each table; the role ends with its block."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from core.clock import clock
from services.delivery.kinds import SubjectKinds
from services.delivery.unit_of_work import UnitOfWork
from services.interviews.row_security import MemberUnitOfWork, as_analyst

from .company import World

CONTENT = ("interviews", "script_sections", "key_takeaways", "utterances")
FORCED_OF_PROJECT = (*CONTENT, "original_reads", "miso_costs", "highlights", "insights")
FORCED = (*FORCED_OF_PROJECT, "conversations", "persona_combinations")
UNFORCED = ("interview_runs", "interview_unsettled_calls", "knowledge_entries", "project_members")
OF_PROJECT = (*FORCED_OF_PROJECT, *UNFORCED)


@contextmanager
def acting_as(engine: Engine, role: str, **settings: UUID | str) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin() as outer:
        for name, value in settings.items():
            connection.execute(
                text("select set_config(:name, :value, true)"), {"name": f"welno.{name}", "value": str(value)}
            )
        connection.execute(text(f"set local role {role}"))
        yield connection
        outer.rollback()


def projects_in(connection: Connection, table: str) -> set[UUID]:
    return set(connection.execute(text(f"select project_id from welno.{table}")).scalars())


@pytest.mark.parametrize("table", OF_PROJECT)
def test_raw_sql_of_a_member_shows_own_projects_only(engine: Engine, world: World, table: str):
    with acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection:
        assert projects_in(connection, table) == {world.food}


@pytest.mark.parametrize("table", [*CONTENT, "interview_runs", "interview_unsettled_calls"])
def test_raw_sql_of_an_analyst_shows_one_project(engine: Engine, world: World, table: str):
    with acting_as(engine, "welno_analyst", project_id=world.secret) as connection:
        assert projects_in(connection, table) == {world.secret}


@pytest.mark.parametrize("role", ["welno_member", "welno_analyst"])
@pytest.mark.parametrize("table", [*CONTENT, "interview_runs", "interview_unsettled_calls"])
def test_without_a_setting_there_are_no_rows_and_no_error(engine: Engine, world: World, role: str, table: str):
    with acting_as(engine, role) as connection:
        assert projects_in(connection, table) == set()


@pytest.mark.parametrize("table", ["projects", "companies", "persona_combinations"])
def test_raw_sql_of_a_member_shows_no_other_company(engine: Engine, world: World, table: str):
    column = "id" if table == "companies" else "company_id"
    with acting_as(engine, "welno_member", account_id=world.people["mina"]) as connection:
        seen = set(connection.execute(text(f"select {column} from welno.{table}")).scalars())
    assert seen == {world.company}


def test_raw_sql_of_a_member_shows_no_accounts_of_others(engine: Engine, world: World):
    with acting_as(engine, "welno_member", account_id=world.people["sora"]) as connection:
        assert set(connection.execute(text("select name from welno.accounts")).scalars()) == {"sora"}


def test_a_member_reads_no_password(engine: Engine, world: World):
    with (
        acting_as(engine, "welno_member", account_id=world.people["mina"]) as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text("select password_hash from welno.accounts"))


def test_a_member_changes_no_other_project(engine: Engine, world: World):
    with acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection:
        changed = connection.execute(text("update welno.interviews set title = 'x'"))
        assert changed.rowcount == 1


MOVE = "update welno.{table} set project_id = :there"
COPY = """
    insert into welno.{table} select copied.* from welno.{table} as own, jsonb_populate_record(
        cast(null as welno.{table}), to_jsonb(own) || jsonb_build_object('project_id', cast(:there as text))
    ) as copied
"""
# Where the right to write is there, it is the policy that refuses; everywhere else the right is missing.
WRITABLE = {
    ("welno_member", MOVE): {"interviews", "interview_runs", "project_members", "highlights", "insights"}
    | {"knowledge_entries", "interview_unsettled_calls"},
    ("welno_analyst", MOVE): {"interviews", "interview_runs", "miso_costs", "insights", "knowledge_entries"}
    | {"interview_unsettled_calls"},
    ("welno_member", COPY): {"interviews", "interview_runs", "project_members", "highlights", "insights"}
    | {"knowledge_entries", "interview_unsettled_calls", "utterances", "original_reads"},
    ("welno_analyst", COPY): {*CONTENT, "miso_costs", "knowledge_entries", "interview_unsettled_calls"}
    - {"interviews"},
}


@pytest.mark.parametrize("table", OF_PROJECT)
@pytest.mark.parametrize(
    ("role", "statement"), WRITABLE, ids=["member moves", "analyst moves", "member copies", "analyst copies"]
)
def test_no_row_gets_into_another_project(engine: Engine, world: World, role: str, statement: str, table: str):
    is_writable = table in WRITABLE[role, statement]
    settings = {"account_id": world.people["jun"], "project_id": world.food}
    with acting_as(engine, role, **settings) as connection:
        assert not is_writable or projects_in(connection, table) == {world.food}
        with pytest.raises(ProgrammingError, match="row-level security" if is_writable else "permission denied"):
            connection.execute(text(statement.format(table=table)), {"there": str(world.secret)})


@pytest.mark.parametrize(
    "statement",
    [
        "update welno.original_reads set read_at = now()",
        "delete from welno.original_reads",
        "update welno.miso_costs set tokens = 0",
        "delete from welno.miso_costs",
    ],
)
def test_a_member_changes_no_record_of_readings_and_costs(engine: Engine, world: World, statement: str):
    with (
        acting_as(engine, "welno_member", account_id=world.people["mina"]) as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(statement))


def test_nobody_reads_in_the_name_of_another(engine: Engine, world: World):
    again = text("""
        insert into welno.original_reads (project_id, interview_id, account_id, read_at, request_id)
        select project_id, interview_id, :other, now(), '' from welno.original_reads
    """)
    with (
        acting_as(engine, "welno_member", account_id=world.people["mina"]) as connection,
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        connection.execute(again, {"other": world.people["jun"]})


def test_a_member_adds_themselves_to_no_other_project(engine: Engine, world: World):
    row = {"project": world.secret, "account": world.people["jun"]}
    statement = text(
        "insert into welno.project_members (project_id, account_id, role) values (:project, :account, 'admin')"
    )
    with (
        acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection,
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        connection.execute(statement, row)


@pytest.mark.parametrize("role", ["welno_member", "welno_analyst"])
@pytest.mark.parametrize("table", ["welno_patients", "logins", "welno_events", "idempotency_keys"])
def test_the_roles_open_nothing_else(engine: Engine, world: World, role: str, table: str):
    with (
        acting_as(engine, role, account_id=world.people["mina"], project_id=world.food) as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(text(f"select * from welno.{table}"))


@pytest.fixture
def conversations(engine: Engine, world: World) -> None:
    """One of mina, one of jun, with the same persona: they share a project."""
    add = text(
        "insert into welno.conversations (account_id, provider_id, persona_combination_id)"
        " select :account, :name, id from welno.persona_combinations where company_id = :company limit 1"
    )
    with engine.begin() as connection:
        for name in ("mina", "jun"):
            row = {"account": world.people[name], "name": f"of {name}", "company": world.company}
            connection.execute(add, row)


@pytest.mark.usefixtures("conversations")
def test_raw_sql_shows_an_account_its_own_conversations_only(engine: Engine, world: World):
    seen = text("select provider_id from welno.conversations")
    with acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection:
        assert connection.execute(seen).scalars().all() == ["of jun"]
    with acting_as(engine, "welno_member") as connection:
        assert connection.execute(seen).scalars().all() == []
    with (
        acting_as(engine, "welno_analyst", project_id=world.food) as connection,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        connection.execute(seen)


@pytest.mark.usefixtures("conversations")
def test_a_member_begins_no_conversation_for_another(engine: Engine, world: World):
    steal = text("insert into welno.conversations select :other, 'x', persona_combination_id from welno.conversations")
    with (
        acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection,
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        connection.execute(steal, {"other": world.people["mina"]})


def test_content_is_forced_so_that_its_owner_sees_none(engine: Engine, world: World):
    """The demo's login is a superuser, whom no policy holds; an owner that is none is held."""
    forced = text(
        "select relname from pg_class"
        " where relnamespace = 'welno'::regnamespace and relrowsecurity and relforcerowsecurity"
    )
    with engine.connect() as connection:
        assert set(connection.execute(forced).scalars()) == set(FORCED)
        owner = f"owner_{uuid4().hex[:8]}"
        with connection.begin_nested() if connection.in_transaction() else connection.begin() as outer:
            connection.execute(text(f"create role {owner}; grant usage, create on schema welno to {owner}"))
            for table in FORCED_OF_PROJECT:
                connection.execute(text(f"alter table welno.{table} owner to {owner}"))
            connection.execute(text(f"set local role {owner}"))
            seen = {table: projects_in(connection, table) for table in FORCED_OF_PROJECT}
            outer.rollback()
    assert seen == {table: set() for table in FORCED_OF_PROJECT}


FIND = text("""
    select interview_id from welno.find_utterances(:project, array['질문'], '질문', 10, null, null, null)
""")


@pytest.mark.parametrize(("name", "there"), [("jun", "food"), ("sora", "secret"), ("sora", "food"), ("jun", "bank")])
def test_the_search_shows_a_member_their_own_project_only(engine: Engine, world: World, name: str, there: str):
    with acting_as(engine, "welno_member", account_id=world.people[name]) as connection:
        found = list(connection.execute(FIND, {"project": getattr(world, there)}).scalars())
    assert len(found) == ((name, there) in {("jun", "food"), ("sora", "secret")})


def test_the_search_shows_nobody_anything(engine: Engine, world: World):
    with acting_as(engine, "welno_member") as connection:
        assert list(connection.execute(FIND, {"project": world.food})) == []
    with acting_as(engine, "welno_analyst") as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(FIND, {"project": world.food})


def test_no_role_of_ours_may_become_the_searcher(engine: Engine, world: World):
    members = text("""
        select m.rolname from pg_auth_members join pg_roles m on m.oid = member join pg_roles r on r.oid = roleid
        where r.rolname = 'welno_searcher' and m.rolname like 'welno%'
    """)
    with engine.connect() as connection:
        assert list(connection.execute(members)) == []


PERSONAS = "select persona_code from welno.persona_combinations order by persona_code"


@pytest.fixture
def personas(engine: Engine, world: World) -> None:
    """Beside each company's own (P1), one made of interviews of each project."""
    add = text(
        "insert into welno.persona_combinations (id, company_id, project_id, persona_code, title)"
        " select gen_random_uuid(), company_id, id, name, '' from welno.projects"
    )
    with engine.begin() as connection:
        connection.execute(add)


def known(connection: Connection) -> list[str]:
    return list(connection.execute(text(PERSONAS)).scalars())


@pytest.mark.usefixtures("personas")
def test_personas_made_of_interviews_are_shown_in_their_own_project_alone(engine: Engine, world: World):
    """`bank` is another project of jun's company, in which only mina is."""
    seen = {"jun": ["P1", "배달 앱 연구"], "mina": ["P1", "배달 앱 연구", "은행 앱 연구"], "sora": ["P1", "비밀 연구"]}
    for name, codes in seen.items():
        with acting_as(engine, "welno_member", account_id=world.people[name]) as connection:
            assert known(connection) == codes
    with acting_as(engine, "welno_analyst", project_id=world.bank) as connection:
        assert known(connection) == ["P1", "은행 앱 연구"]
    for role in ("welno_member", "welno_analyst"):
        with acting_as(engine, role) as connection:
            assert known(connection) == []


@pytest.mark.usefixtures("personas")
@pytest.mark.parametrize("role", ["welno_member", "welno_analyst"])
def test_personas_are_changed_in_their_own_project_alone(engine: Engine, world: World, role: str):
    with acting_as(engine, role, account_id=world.people["jun"], project_id=world.food) as connection:
        emptied = text("update welno.persona_combinations set title = 'x' returning persona_code")
        assert list(connection.execute(emptied).scalars()) == ["배달 앱 연구"]
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text("update welno.persona_combinations set project_id = null"))


@pytest.mark.parametrize("there", ["bank", "secret", None])
def test_an_analyst_makes_a_persona_for_no_other_project(engine: Engine, world: World, there: str | None):
    """Without one it is the analyst's own: code of before tells none."""
    add = text(
        "insert into welno.persona_combinations (id, company_id, project_id, persona_code, title)"
        " values (gen_random_uuid(), :company, :project, 'P9', '') returning project_id"
    )
    row = {"company": world.company, "project": there and getattr(world, there)}
    with acting_as(engine, "welno_analyst", project_id=world.food) as connection:
        if there is None:
            assert connection.execute(add, row).scalar_one() == world.food
            return
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(add, row)


@pytest.mark.usefixtures("personas")
def test_the_owner_of_the_personas_has_those_of_companies_alone(engine: Engine):
    """Who puts them there; those that were made of interviews are content."""
    with engine.connect() as connection, connection.begin() as outer:
        owner = f"owner_{uuid4().hex[:8]}"
        connection.execute(text(f"create role {owner}; grant usage, create on schema welno to {owner}"))
        connection.execute(text(f"alter table welno.persona_combinations owner to {owner}"))
        connection.execute(text(f"set local role {owner}"))
        assert known(connection) == ["P1", "P1"]
        added = "insert into welno.persona_combinations select gen_random_uuid(), company_id, 'P2', 'x', null"
        connection.execute(text(f"{added} from welno.persona_combinations where persona_code = 'P1'"))
        assert known(connection) == ["P1", "P1", "P2", "P2"]
        outer.rollback()


@pytest.mark.parametrize("role", ["welno_member", "welno_analyst"])
def test_an_erased_insight_empties_its_persona_whoever_erases_it(engine: Engine, world: World, role: str):
    """Code of before does not do it under a role, and as the owner it cannot."""
    add = text("""
        insert into welno.persona_combinations (id, company_id, project_id, persona_code, title, description)
        select id, company_id, project_id, 'GEN', '결제에 지친 사람', '답답하다' from welno.insights
        where project_id = :project
    """)
    with engine.begin() as connection:
        connection.execute(add, {"project": world.food})
    with acting_as(engine, role, account_id=world.people["jun"], project_id=world.food) as connection:
        connection.execute(text("update welno.insights set erased_at = now(), status = 'failed'"))
        left = text("select title, description from welno.persona_combinations where persona_code = 'GEN'")
        assert tuple(connection.execute(left).one()) == ("지워진 페르소나", None)


def nothing(*_: object) -> None:
    pass


@pytest.fixture
def units(engine: Engine) -> tuple[UnitOfWork, MemberUnitOfWork]:
    made = UnitOfWork(sessionmaker(engine), SubjectKinds([]), nothing, nothing, nothing, nothing)
    return made, MemberUnitOfWork(made, clock)


def current_role(session: Session) -> str:
    return str(session.execute(text("select current_user")).scalar_one())


def test_a_units_role_ends_with_its_block(units: tuple[UnitOfWork, MemberUnitOfWork], world: World):
    unit_of_work, member_work = units
    with unit_of_work() as work:
        before = current_role(work.session)
        with member_work.enter(work, world.people["mina"]) as member:
            assert current_role(member.session) == "welno_member"
        assert current_role(work.session) == before
        with as_analyst(work.session, world.food):
            assert current_role(work.session) == "welno_analyst"
        assert current_role(work.session) == before


def test_a_failed_unit_leaves_no_role_in_the_pool(units: tuple[UnitOfWork, MemberUnitOfWork], world: World):
    unit_of_work, member_work = units
    with pytest.raises(ZeroDivisionError), member_work(world.people["mina"]):
        raise ZeroDivisionError
    with unit_of_work() as work:
        assert current_role(work.session) != "welno_member"
        setting = text("select current_setting('welno.account_id', true)")
        assert not work.session.execute(setting).scalar_one()
