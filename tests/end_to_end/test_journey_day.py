"""A patient's day through the demo hospital, over HTTP and WebSocket, with the socket cut in the middle."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from dev.demo.__main__ import find_patient
from dev.demo.day import BackupScenes, Day
from dev.local.demo import DEMO_SETTINGS, demo_hall_key, demo_password, seed_command
from dev.local.stack import Stack
from tests.plain_http import NO_TLS
from tests.stacks import run_stack
from tests.unit.services.journey.fhir.validators import find_faults

_STEPS = [
    ("UNREGISTERED", "scan_nfc", "nfc_tag", "ARRIVED"),
    ("ARRIVED", "register", "patient_action", "REGISTERED"),
    ("REGISTERED", "confirm_arrival", "patient_action", "WAITING"),
    ("WAITING", "call_patient", "staff_action", "CALLED"),
    ("CALLED", "mark_no_show", "staff_action", "WAITING"),
    ("WAITING", "call_patient", "staff_action", "CALLED"),
    ("CALLED", "enter_exam_room", "patient_action", "IN_PROGRESS"),
    ("IN_PROGRESS", "complete_exam", "staff_action", "COMPLETED"),
    ("COMPLETED", "confirm_arrival", "patient_action", "WAITING"),
    ("WAITING", "call_patient", "staff_action", "CALLED"),
    ("CALLED", "start_exam", "staff_action", "IN_PROGRESS"),
    ("IN_PROGRESS", "complete_exam", "staff_action", "COMPLETED"),
    ("COMPLETED", "make_payment", "patient_action", "PAYMENT"),
    ("PAYMENT", "make_payment", "patient_action", "FINISHED"),
    ("FINISHED", "leave_hospital", "patient_action", "UNREGISTERED"),
]
_EXAMINED = [("waiting", "called"), ("called", "in_progress"), ("in_progress", "completed")]
_ENTRIES = {
    "EX-BLOOD": [(None, "waiting"), ("waiting", "called"), ("called", "no_show"), ("no_show", "waiting"), *_EXAMINED],
    "EX-XRAY": [(None, "waiting"), *_EXAMINED],
}
_STEPS_TAKEN = text("""
    select from_state, trigger_source, trigger_type, to_state from welno.state_transitions
    where user_id = :user_id order by id
""")
_ENTRIES_LOGGED = text("""
    select q.exam_id, l.previous_state, l.new_state from welno.queue_status_logs l join welno.queues q using (queue_id)
    where q.user_id = :user_id order by l.id
""")


@pytest.fixture(scope="module")
def demo(migrated_home: Path) -> Iterator[Stack]:
    """As `make run` starts it: the hospital is there before anybody is served."""
    with run_stack(migrated_home, DEMO_SETTINGS, ("web", "worker", "sweeper")) as stack:
        yield stack


def walk(demo: Stack, kind: type[Day]) -> tuple[Day, list[str]]:
    told: list[str] = []
    password = demo_password(demo.home)
    day = kind(demo.web_url, password, told.append, find_patient(demo.web_url, password))
    try:
        day.walk()
    finally:
        day.close()
    return day, told


def assert_logs_are_complete(demo: Stack, user_id: str) -> None:
    """Every step and every change of an entry, each once and in order."""
    engine = create_engine(demo.postgres.url)
    with engine.connect() as connection:
        steps = connection.execute(_STEPS_TAKEN, {"user_id": user_id}).all()
        logged = connection.execute(_ENTRIES_LOGGED, {"user_id": user_id}).all()
    engine.dispose()
    assert [tuple(step) for step in steps] == _STEPS
    changes = {exam_id: [(row[1], row[2]) for row in logged if row[0] == exam_id] for exam_id in _ENTRIES}
    assert changes == _ENTRIES
    assert len(logged) == sum(map(len, _ENTRIES.values()))


def test_a_patient_comes_waits_is_called_examined_pays_and_leaves(demo: Stack):
    """The day itself asks the checker, and tries the token that was logged out."""
    day, told = walk(demo, Day)
    assert "once and in order" in told[-4]
    assert "the checker finds nothing among 302 people" in told
    assert "the open socket is closed; the token is refused" in told[-1]
    assert_logs_are_complete(demo, day.phone.user_id)
    kinds = [one["resourceType"] for one in day.fhir]
    assert kinds == ["Appointment", "Appointment", "Encounter", "Task", "Task"]
    assert find_faults(day.fhir) == []


def test_what_does_not_work_has_another_way(demo: Stack):
    _, told = walk(demo, BackupScenes)
    assert [line.partition(":")[0] for line in told] == ["no NFC", "no socket", "no network"]


def test_the_demos_floors_have_four_layers_of_which_the_first_is_small(demo: Stack):
    for floor in (1, 2):
        answer = httpx.get(f"{demo.web_url}/api/v1/maps/{floor}/layers", verify=NO_TLS, trust_env=False)
        layers = answer.json()["layers"]
        assert [layer["name"] for layer in layers] == ["base", "rooms", "route", "labels"]
        assert layers[0]["bytes"] <= 0.3 * sum(layer["bytes"] for layer in layers)


def test_making_the_demo_again_changes_nothing_of_it(demo: Stack):
    """Also not who is where: whoever has gone home meanwhile is not put back."""
    before = (demo_password(demo.home), demo_hall_key(demo.home), find_patient(demo.web_url, demo_password(demo.home)))
    demo.run(seed_command(demo.home), "demo")
    after = (demo_password(demo.home), demo_hall_key(demo.home), find_patient(demo.web_url, demo_password(demo.home)))
    assert before == after
