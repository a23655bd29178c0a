"""What changes is put into the hospital's own system as it is at that moment, in five tries."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from models.journey import JourneyState
from services.journey.emr import EmrPushed, note_result, push_pending, read_pending
from tests.integration.journey.ward import BLOOD, Patient, Ward
from upstream.emr.client import EmrClient


def always() -> bool:
    return True


@pytest.fixture
def emr(sandbox_url: str) -> Iterator[EmrClient]:
    httpx.post(f"{sandbox_url}/control/reset").raise_for_status()
    client = EmrClient(f"{sandbox_url}/emr")
    yield client
    client.close()


@pytest.fixture
def patient(ward: Ward) -> Patient:
    return ward.patient(BLOOD).comes(JourneyState.CALLED)


def push(ward: Ward, client: EmrClient) -> EmrPushed:
    return push_pending(ward.stores.unit_of_work, client, always)


def told(sandbox_url: str) -> dict[str, dict[str, Any]]:
    return httpx.get(f"{sandbox_url}/control/emr").json()


def statuses(ward: Ward) -> list[tuple[str, int, str | None]]:
    return [
        tuple(row) for row in ward.rows("select status, attempts, last_error from welno.emr_sync_status order by id")
    ]


def test_appointment_entry_and_visit_are_told_as_they_are(
    ward: Ward, patient: Patient, emr: EmrClient, sandbox_url: str
):
    assert push(ward, emr) == EmrPushed(synced=3)
    known = told(sandbox_url)
    entry = known[f"queue/{patient.queue['queue_id']}"]
    assert (entry["state"], entry["exam_id"], entry["queue_number"]) == ("called", BLOOD, 1)
    assert {name.partition("/")[0] for name in known} == {"appointment", "queue", "visit"}
    assert "시연" not in str(known)
    assert statuses(ward) == [("synced", 1, None)] * 3
    assert push(ward, emr) == EmrPushed()


def test_a_process_that_is_to_stop_ends_its_turn_and_the_next_goes_on(ward: Ward, patient: Patient, emr: EmrClient):
    goes_on = iter([True, False])
    assert push_pending(ward.stores.unit_of_work, emr, lambda: next(goes_on)) == EmrPushed(synced=1)
    assert sorted(status for status, _, _ in statuses(ward)) == ["pending", "pending", "synced"]
    assert push(ward, emr) == EmrPushed(synced=2)


def test_a_later_change_is_told_again(ward: Ward, patient: Patient, emr: EmrClient, sandbox_url: str):
    push(ward, emr)
    patient.act("enter_exam_room")
    assert push(ward, emr).synced >= 1
    assert told(sandbox_url)[f"queue/{patient.queue['queue_id']}"]["state"] == "in_progress"


def test_what_changes_during_the_call_stays_pending(ward: Ward, patient: Patient):
    with ward.stores.sessions() as session:
        before = read_pending(session, 0, 10)
    patient.act("enter_exam_room")
    with ward.stores.unit_of_work() as work:
        note_result(work.session, next(one for one in before if one.entity == "queue"), None)
    with ward.stores.sessions() as session:
        [entry] = [one for one in read_pending(session, 0, 10) if one.entity == "queue"]
    assert entry.body["state"] == "in_progress"


def test_what_came_late_with_an_older_state_is_told_once_more(ward: Ward, patient: Patient, emr: EmrClient):
    with ward.stores.sessions() as session:
        before = read_pending(session, 0, 10)
    patient.act("enter_exam_room")
    push(ward, emr)
    with ward.stores.unit_of_work() as work:
        note_result(work.session, next(one for one in before if one.entity == "queue"), None)
    assert push(ward, emr) == EmrPushed(synced=1)


def test_a_refusal_is_tried_five_times(ward: Ward, emr: EmrClient):
    with ward.stores.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into welno.exams (exam_id, title, display_title) values ('EX-ODD', '모르는 검사', '검사 9')"
        )
    ward.patient().comes(JourneyState.WAITING, "EX-ODD")
    turns = [push(ward, emr).refused for _ in range(6)]
    assert turns == [1, 1, 1, 1, 1, 0]
    assert ("failed", 5, "refused") in statuses(ward)


def test_a_system_that_is_away_costs_one_try_of_one_thing(ward: Ward, patient: Patient):
    client = EmrClient("http://127.0.0.1:1")
    assert push(ward, client) == EmrPushed(refused=1)
    assert sorted(attempts for _, attempts, _ in statuses(ward)) == [0, 0, 1]
    client.close()
