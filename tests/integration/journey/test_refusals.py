"""What is refused first, when several things are wrong at once, and what a payload may hold."""

from typing import Any
from uuid import uuid4

import pytest

from models.journey import JourneyRole, JourneyState, RetiredTagCode
from services.journey.actions import assist_patient, perform_action
from services.journey.actors import JourneyActor
from services.journey.errors import (
    ExamNotFound,
    ForbiddenAction,
    ForbiddenPerson,
    InvalidAction,
    JourneyError,
    PayloadInvalid,
    PersonNotFound,
    StateConflict,
    TagNotFound,
    TagSwitchedOff,
    UnknownAction,
)
from services.journey.tags import hash_code, short_code_of
from tests.integration.journey.ward import BLOOD, TAG_CODE, Ward
from webapp.error_codes import Code
from webapp.error_meanings import CODES


def every_error() -> list[type[JourneyError]]:
    return sorted(JourneyError.__subclasses__(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_code_of_the_one_table(kind: type[JourneyError]):
    assert Code(kind.code) in CODES
    assert 400 <= CODES[Code(kind.code)].status < 500


def test_refusals_come_in_their_order(ward: Ward):
    """Each call has one fault less than the one before."""
    person, other = ward.patient().comes(JourneyState.WAITING), ward.patient()
    payload = {"unknown": 1}
    other_by = JourneyActor(JourneyRole.PATIENT, other.user_id)
    with pytest.raises(UnknownAction):
        person.act("fly", payload, by=other_by, state=JourneyState.CALLED)
    with pytest.raises(ForbiddenPerson):
        person.act("call_patient", payload, by=other_by, state=JourneyState.CALLED)
    with pytest.raises(ForbiddenAction):
        ward.run(perform_action, uuid4(), "register", payload, ward.desk)
    with pytest.raises(PersonNotFound):
        ward.run(perform_action, uuid4(), "start_exam", payload, ward.desk)
    with pytest.raises(StateConflict) as refused:
        person.act("start_exam", payload, by=ward.desk, state=JourneyState.CALLED)
    assert refused.value.details == {"journey_state": "WAITING"}
    with pytest.raises(InvalidAction):
        person.act("start_exam", payload, by=ward.desk)
    with pytest.raises(PayloadInvalid) as invalid:
        person.act("call_patient", payload, by=ward.desk)
    assert list(invalid.value.details or {}) == ["payload.unknown"]


def test_a_stored_reply_comes_before_the_state_is_looked_at(ward: Ward):
    person = ward.patient().comes(JourneyState.ARRIVED)
    first = person.act("register", key="k", state=JourneyState.ARRIVED)
    person.act("confirm_arrival", {"exam_id": BLOOD})
    assert person.act("register", key="k", state=JourneyState.ARRIVED) == first


@pytest.mark.parametrize("action", ["CALL_PATIENT", "call_patient ", "fly", ""])
def test_an_action_is_neither_folded_nor_trimmed(ward: Ward, action: str):
    with pytest.raises(UnknownAction):
        ward.patient().act(action)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({}, PayloadInvalid),
        ({"tag_code": TAG_CODE, "tag_id": "T-1"}, PayloadInvalid),
        ({"tag_code": 5}, PayloadInvalid),
        ({"tag_code": "nobody's"}, TagNotFound),
        ({"tag_code": "old"}, TagSwitchedOff),
        ({"tag_id": "T-OLD"}, TagSwitchedOff),
    ],
)
def test_a_scan_needs_one_active_tag(ward: Ward, payload: dict[str, Any], error: type[JourneyError]):
    with pytest.raises(error):
        ward.patient().act("scan_nfc", payload)


@pytest.mark.parametrize(
    "payload", [{"tag_uid": "04:10:00:00:00:00:01"}, {"tag_uid": "04-10-00-00-00-00-01"}, {"tag_id": "T-1"}]
)
def test_a_tag_is_known_by_its_number_and_its_id(ward: Ward, payload: dict[str, Any]):
    person = ward.patient()
    assert person.act("scan_nfc", payload)["journey_state"] == "ARRIVED"
    assert person.steps() == [("UNREGISTERED", "ARRIVED", "nfc_tag", "scan_nfc")]


def test_a_code_that_was_replaced_is_switched_off_for_an_action_too(ward: Ward):
    with ward.stores.sessions.begin() as session:
        session.add(RetiredTagCode(code_hash=hash_code("replaced"), tag_id="T-1"))
    with pytest.raises(TagSwitchedOff):
        ward.patient().act("scan_nfc", {"tag_code": "replaced"})


@pytest.mark.parametrize("said", [TAG_CODE, short_code_of(TAG_CODE)])
def test_an_arrival_by_a_code_also_as_it_is_printed_is_logged_as_a_scan(ward: Ward, said: str):
    person = ward.patient()
    assert person.act("scan_nfc", {"tag_code": said})["journey_state"] == "ARRIVED"
    [row] = ward.rows("select tag_id, user_id, action from welno.tag_logs")
    assert (row.tag_id, row.user_id, row.action) == ("T-1", person.user_id, "scan")


def test_an_unknown_exam_is_not_found(ward: Ward):
    with pytest.raises(ExamNotFound):
        ward.patient().comes(JourneyState.REGISTERED).act("confirm_arrival", {"exam_id": "EX-NONE"})


def test_who_has_no_phone_is_assisted_and_it_is_logged_as_such(ward: Ward):
    person = ward.patient(BLOOD)
    answer = person.is_assisted("scan_nfc")
    assert (answer["journey_state"], answer["available_actions"]) == ("ARRIVED", ["register"])
    person.is_assisted("register")
    person.is_assisted("confirm_arrival")
    assert {step[2] for step in person.steps()} == {"staff_action"}
    details = [row.metadata for row in ward.rows("select metadata from welno.state_transitions")]
    assert all(one["assisted"] and one["staff_id"] == str(ward.desk.principal_id) for one in details)


def test_assistance_is_staffs_and_of_a_patients_actions_alone(ward: Ward):
    person = ward.patient()
    with pytest.raises(ForbiddenAction):
        person.is_assisted("call_patient")
    with pytest.raises(ForbiddenAction):
        ward.run(assist_patient, person.user_id, "scan_nfc", {}, person.actor)
    with pytest.raises(UnknownAction):
        person.is_assisted("fly")
    with pytest.raises(TagNotFound):
        person.is_assisted("scan_nfc", {"tag_id": "T-NONE"})


def test_a_display_does_nothing(ward: Ward):
    person = ward.patient()
    screen = JourneyActor(JourneyRole.DISPLAY, person.user_id)
    with pytest.raises(ForbiddenAction):
        person.act("scan_nfc", by=screen)
