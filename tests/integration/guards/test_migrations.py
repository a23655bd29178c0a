"""The migrations: one head, equal to the models, down to nothing and up again."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, inspect, text

from dev.local.postgres import EmbeddedPostgres
from dev.local.programs import ROOT
from models import SCHEMA
from tests.integration.commands import run_command
from tests.waiting import COMMAND_SECONDS

Environment = dict[str, str]


@pytest.fixture
def own_database(empty_postgres: EmbeddedPostgres, demo_env: Environment) -> Iterator[Environment]:
    """A database of its own on the same server: the others' tables stay."""
    admin = create_engine(empty_postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("create database migrations_test"))
    url = admin.url.set(database="migrations_test").render_as_string(hide_password=False)
    yield demo_env | {"DATABASE_URL": url}
    with admin.connect() as connection:
        connection.execute(text("drop database migrations_test with (force)"))
    admin.dispose()


def alembic(env: Environment, *arguments: str) -> str:
    done = run_command("alembic", *arguments, env=env)
    assert done.status == 0, done.output + done.errors
    return done.output


def tables(env: Environment) -> set[str]:
    engine = create_engine(env["DATABASE_URL"])
    try:
        return set(inspect(engine).get_table_names(schema=SCHEMA))
    finally:
        engine.dispose()


def test_there_is_one_head(demo_env: Environment):
    assert len(alembic(demo_env, "heads").split("\n")[:-1]) == 1


def test_the_models_equal_the_migrations(own_database: Environment):
    alembic(own_database, "upgrade", "head")
    # From nothing: a process that is forked has all the models, whichever the migrations' own environment imports.
    command = [sys.executable, "-m", "alembic", "check"]
    checked = subprocess.run(
        command, check=True, cwd=ROOT, env=own_database, stdout=subprocess.PIPE, timeout=COMMAND_SECONDS
    )
    assert b"No new upgrade operations detected" in checked.stdout


def test_every_migration_goes_down_and_up_again(own_database: Environment):
    alembic(own_database, "upgrade", "head")
    before = tables(own_database)
    alembic(own_database, "downgrade", "base")
    assert tables(own_database) == set()
    alembic(own_database, "upgrade", "head")
    assert tables(own_database) == before


CHECKUP_BEFORE = """
insert into welno.welno_checkup_data (id, patient_uuid, hospital_id, session_id, record_key, location, code,
    description, urine_protein, raw_data, updated_at)
values (:id, :patient, 'PEERNINE', :session, :key, '', '', '', '비해당', cast(:raw as jsonb), '2026-01-02T00:00:00Z')
"""
PRESCRIPTION_BEFORE = """
insert into welno.welno_prescription_data (id, patient_uuid, hospital_id, session_id, record_key, hospital_name,
    address, treatment_type, details, raw_data, updated_at)
values (:id, :patient, 'PEERNINE', :session, :key, '', '', '', cast(:details as jsonb), cast(:raw as jsonb), now())
"""
DETAILS = "RetrieveTreatmentInjectionInformationPersonDetailList"
ITEMS = [
    {"Name": "신장", "Value": "171.3", "Unit": "cm", "ItemReferences": [{"Name": "정상", "Value": "x"}, None]},
    {"Name": "시력(좌/우)", "Value": "1.0/0.8"},
    {"Name": "골다공증", "Value": "비해당"},
    None,
]
DRUGS = [{"RetrieveMdsupDtlInfo": {"DrugCode": "6", "DrugImage": "UElM"}}, {"RetrieveMdsupDtlInfo": {"DrugImage": ""}}]


@pytest.fixture
def seeded(own_database: Environment) -> Iterator[Connection]:
    """A connection to rows of before migration 0005; checkup 2 and prescription 2 are of odd shapes."""
    alembic(own_database, "upgrade", "0004")
    engine = create_engine(own_database["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    patient, session = uuid4(), uuid4()
    checkups = [{"Inspections": [{"Illnesses": [{"Items": ITEMS}]}]}, {"Inspections": {"Illnesses": 3}}]
    treatments = [(DRUGS, {"Idx": "1", DETAILS: DRUGS}), ([], {DETAILS: None})]
    with engine.connect() as connection:
        connection.execute(
            text(
                "insert into welno.welno_patients (uuid, hospital_id, name, birth_date, phone) "
                "values (:patient, 'PEERNINE', '김하늘', '1984-05-17', '01012345678')"
            ),
            {"patient": patient},
        )
        for number, raw in enumerate(checkups, start=1):
            values = {"id": number, "patient": patient, "session": session, "key": str(number), "raw": json.dumps(raw)}
            connection.execute(text(CHECKUP_BEFORE), values)
        for number, (details, raw) in enumerate(treatments, start=1):
            values = {"id": number, "patient": patient, "session": session, "key": str(number)}
            values |= {"details": json.dumps(details), "raw": json.dumps(raw)}
            connection.execute(text(PRESCRIPTION_BEFORE), values)
        yield connection
    engine.dispose()


def read_rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    rows = connection.execute(text(f"select * from welno.{table} order by id")).mappings()
    return [dict(row) for row in rows]


def test_stored_checkups_get_their_items(own_database: Environment, seeded: Connection):
    alembic(own_database, "upgrade", "0005")
    whole, odd = read_rows(seeded, "welno_checkup_data")
    assert [(item["name"], item["value"], item["number"], item["unit"]) for item in whole["items"]] == [
        ("신장", "171.3", 171.3, "cm"),
        ("시력(좌/우)", "1.0/0.8", None, ""),
        ("골다공증", "비해당", None, ""),
    ]
    assert whole["items"][0]["references"] == [{"name": "정상", "value": "x"}]
    assert (whole["vision_left"], whole["vision_right"]) == ("1.0", "0.8")
    assert (whole["bone_density"], whole["urine_protein"], odd["items"]) == (None, None, [])
    assert whole["answered_at"] == whole["updated_at"]


def test_stored_pictures_are_kept_once_and_come_back_on_the_way_down(own_database: Environment, seeded: Connection):
    before = [(row["details"], row["raw_data"]) for row in read_rows(seeded, "welno_prescription_data")]
    alembic(own_database, "upgrade", "0005")
    whole, odd = read_rows(seeded, "welno_prescription_data")
    assert (whole["pictures"], whole["raw_data"]) == ({"0": "UElM"}, {"Idx": "1"})
    assert "UElM" not in str(whole["details"])
    assert (odd["details"], odd["raw_data"]) == before[1]
    alembic(own_database, "downgrade", "0004")
    assert [(row["details"], row["raw_data"]) for row in read_rows(seeded, "welno_prescription_data")] == before


def test_accounts_of_before_the_record_of_grants_are_in_it(own_database: Environment):
    alembic(own_database, "upgrade", "0007")
    engine = create_engine(own_database["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    account = {"id": uuid4()}
    with engine.connect() as connection:
        connection.execute(
            text(
                "insert into welno.accounts (account_id, kind, login, name, password_hash, role, created_at) "
                "values (:id, 'operator', 'night', '당번', 'x', 'auditor', '2026-01-02T00:00:00Z')"
            ),
            account,
        )
        alembic(own_database, "upgrade", "0017")
        [change] = read_rows(connection, "account_changes")
        alembic(own_database, "downgrade", "0007")
        assert connection.execute(text("select login from welno.accounts")).scalar_one() == "night"
    engine.dispose()
    assert (change["account_id"], change["role"], change["what"]) == (account["id"], "auditor", "added")
    assert change["changed_at"].isoformat() == "2026-01-02T00:00:00+00:00"


SEEDED_JOURNEY = """
insert into welno.exams (exam_id, title, display_title) values ('E', 'e', 'e');
insert into welno.users (user_id, name, phone, phone_hash, login_hash, birth_date)
    select gen_random_uuid(), 'n', 'p', 'h' || i, 'h', 'b' from generate_series(1, 3) i;
insert into welno.visits (visit_id, user_id, began_at) select gen_random_uuid(), user_id, now() from welno.users;
insert into welno.patient_states (user_id, current_state)
    select user_id, case phone_hash when 'h1' then 'ONGOING' else 'WAITING' end from welno.users;
insert into welno.queues (queue_id, user_id, visit_id, exam_id, service_date, queue_number, place, place_since, state,
        joined_at)
    select gen_random_uuid(), user_id, visit_id, 'E', current_date, n, n, now(), (array['ongoing', 'pending',
        'waiting'])[n], now()
    from (select *, row_number() over (order by phone_hash) n from welno.users join welno.visits using (user_id)) u;
insert into welno.queue_status_logs (queue_id, previous_state, new_state) select queue_id, 'pending', 'ongoing'
    from welno.queues;
insert into welno.state_transitions (user_id, from_state, to_state, trigger_type, trigger_source, request_id)
    select user_id, 'CALLED', 'ONGOING', 'staff_action', 'start_exam', '' from welno.users;
"""


def old_names(connection: Connection) -> dict[str, list[str]]:
    queries = {
        "patients": "select current_state from welno.patient_states",
        "queues": "select state from welno.queues",
        "logs": "select previous_state from welno.queue_status_logs union all select new_state from"
        " welno.queue_status_logs",
        "steps": "select to_state from welno.state_transitions",
    }
    return {name: sorted(set(connection.execute(text(query)).scalars())) for name, query in queries.items()}


def test_old_names_of_states_go_up_and_come_back_down(own_database: Environment):
    alembic(own_database, "upgrade", "0020")
    engine = create_engine(own_database["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(SEEDED_JOURNEY))
        alembic(own_database, "upgrade", "0022")
        assert old_names(connection) == {
            "patients": ["IN_PROGRESS", "WAITING"],
            "queues": ["in_progress", "waiting"],
            "logs": ["in_progress", "waiting"],
            "steps": ["IN_PROGRESS"],
        }
        alembic(own_database, "downgrade", "0020")
        assert old_names(connection) == {
            "patients": ["ONGOING", "WAITING"],
            "queues": ["ongoing", "waiting"],
            "logs": ["ongoing", "waiting"],
            "steps": ["ONGOING"],
        }
    engine.dispose()


RUNS_BEFORE = """
insert into welno.companies (id, name) values (:project, '한빛리서치');
insert into welno.projects (id, company_id, name) values (:project, :project, '배달 앱 연구');
insert into welno.interview_runs (interview_id, project_id, step, state, due_at, updated_at, stop_task_id, stop_user)
    values (:streamed, :project, 'analyse', 'ended', now(), '2026-01-02T00:00:00Z', 't', 'streamed'),
        (:blocking, :project, 'analyse', 'ended', now(), now(), '', 'blocking'),
        (:settled, :project, 'analyse', 'ended', now(), now(), null, null)
"""
UNSETTLED = "select miso_user, task_id from welno.interview_unsettled_calls order by miso_user"
NOTE_AS_BEFORE = (
    "update welno.interview_runs set stop_task_id = :task, stop_user = :user where interview_id = :streamed"
)


@pytest.fixture
def noted(own_database: Environment) -> Iterator[tuple[Connection, dict[str, Any]]]:
    """Two calls that the code before 0053 has noted, and a run without one."""
    alembic(own_database, "upgrade", "0052")
    engine = create_engine(own_database["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    ids = {name: uuid4() for name in ("project", "streamed", "blocking", "settled")}
    with engine.connect() as connection:
        connection.execute(text(RUNS_BEFORE), ids)
        alembic(own_database, "upgrade", "0053")
        yield connection, ids
    engine.dispose()


def unsettled(connection: Connection) -> list[tuple[str, str | None]]:
    return [(row.miso_user, row.task_id) for row in connection.execute(text(UNSETTLED))]


def test_noted_calls_get_rows_and_the_last_of_each_run_comes_back(
    own_database: Environment, noted: tuple[Connection, dict[str, Any]]
):
    connection, ids = noted
    assert unsettled(connection) == [("blocking", None), ("streamed", "t")]
    age = "select noted_at from welno.interview_unsettled_calls where miso_user = 'streamed'"
    assert connection.execute(text(age)).scalar_one().isoformat() == "2026-01-02T00:00:00+00:00"
    connection.execute(
        text(
            "insert into welno.interview_unsettled_calls (miso_user, interview_id, project_id, task_id)"
            " values ('later', :streamed, :project, 't2')"
        ),
        ids,
    )
    connection.execute(text("delete from welno.interview_unsettled_calls where miso_user = 'blocking'"))
    alembic(own_database, "downgrade", "0052")
    back = "select stop_user, stop_task_id from welno.interview_runs where interview_id in (:streamed, :blocking)"
    found = connection.execute(text(f"{back} order by stop_user"), ids)
    assert [tuple(row) for row in found] == [("later", "t2"), (None, None)]


def test_what_the_code_before_notes_and_forgets_is_followed(noted: tuple[Connection, dict[str, Any]]):
    """It runs beside the new code for as long as a release is rolled out."""
    connection, ids = noted
    connection.execute(text(NOTE_AS_BEFORE), ids | {"task": "", "user": "second"})
    connection.execute(text(NOTE_AS_BEFORE), ids | {"task": "t2", "user": "second"})
    assert unsettled(connection) == [("blocking", None), ("second", "t2"), ("streamed", "t")]
    connection.execute(text(NOTE_AS_BEFORE), ids | {"task": None, "user": None})
    assert unsettled(connection) == [("blocking", None), ("streamed", "t")]


PERSONAS_BEFORE = """
insert into welno.companies (id, name) values (:project, '한빛리서치');
insert into welno.projects (id, company_id, name) values (:project, :project, '배달 앱 연구');
insert into welno.accounts (account_id, kind, role, login, name, password_hash, company_id)
    values (:project, 'member', 'member', 'm', 'm', '', :project);
insert into welno.persona_combinations (id, company_id, persona_code, title)
    values (:own, :project, 'P1', 'x'), (:made, :project, 'GEN-1', 'x');
insert into welno.insights (id, company_id, project_id, kind, status, interview_ids, created_by, created_at, updated_at)
    values (:made, :project, :project, 'persona', 'completed', '[]', :project, now(), now())
"""


def test_personas_made_of_interviews_get_their_project_and_stay_on_the_way_down(own_database: Environment):
    alembic(own_database, "upgrade", "0061")
    engine = create_engine(own_database["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    ids = {name: uuid4() for name in ("project", "own", "made")}
    with engine.connect() as connection:
        connection.execute(text(PERSONAS_BEFORE), ids)
        alembic(own_database, "upgrade", "0062")
        of_projects = "select persona_code, project_id from welno.persona_combinations order by persona_code"
        found = [tuple(row) for row in connection.execute(text(of_projects))]
        assert found == [("GEN-1", ids["project"]), ("P1", None)]
        forced = text("select relforcerowsecurity from pg_class where oid = cast('welno.insights' as regclass)")
        assert connection.execute(forced).scalar_one()
        alembic(own_database, "downgrade", "0061")
        codes = "select persona_code from welno.persona_combinations order by persona_code"
        assert list(connection.execute(text(codes)).scalars()) == ["GEN-1", "P1"]
    engine.dispose()
