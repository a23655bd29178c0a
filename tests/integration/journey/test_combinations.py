"""Every state with every listed action for every role: exactly what the table has passes, all else changes nothing."""

from typing import Any

import pytest

from models.journey import JourneyRole, JourneyState
from models.journey.states import PATIENT_ACTIONS, STAFF_ACTIONS, available_actions
from services.journey.actors import JourneyActor
from services.journey.errors import ForbiddenAction, InvalidAction
from tests.integration.journey.ward import BLOOD, TAG_CODE, XRAY, Patient, Ward

# complete_exam is listed twice, as the patient's and as staff's: who acts decides whose it is.
LISTED = [*PATIENT_ACTIONS, *STAFF_ACTIONS]
ROLES = (JourneyRole.PATIENT, JourneyRole.STAFF, JourneyRole.ADMIN)
CASES = [
    pytest.param(state, action, role, id=f"{state}-{place}-{action}-{role}")
    for state in JourneyState
    for place, action in enumerate(LISTED)
    for role in ROLES
]
# With what an action may be done, if it may.
PAYLOADS: dict[str, dict[str, Any]] = {
    "scan_nfc": {"tag_code": TAG_CODE},
    "confirm_arrival": {"exam_id": XRAY},
}
PASSING = [case for case in CASES if case.values[1] in available_actions(case.values[2], case.values[0])]
REFUSED = [case for case in CASES if case not in PASSING]


def actor_of(ward: Ward, person: Patient, role: JourneyRole) -> JourneyActor:
    return {
        JourneyRole.PATIENT: person.actor,
        JourneyRole.STAFF: ward.desk,
        JourneyRole.ADMIN: ward.chief,
    }[role]


def payload_of(person: Patient, action: str, appointments: list[str]) -> dict[str, Any]:
    if action == "cancel_appointment":
        return {"appointment_id": appointments[0], "reason": "환자 요청"}
    return PAYLOADS.get(action, {})


def bring(ward: Ward, state: JourneyState) -> tuple[Patient, list[str]]:
    person = ward.patient(BLOOD, XRAY).comes(state)
    return person, [one["appointment_id"] for one in person.snapshot()["appointments"]]


def test_there_are_as_many_as_the_table_says():
    assert (len(CASES), len(PASSING), len(REFUSED)) == (324, 28, 296)


@pytest.mark.parametrize(("state", "action", "role"), PASSING)
def test_what_the_table_has_passes(ward: Ward, state: JourneyState, action: str, role: JourneyRole):
    person, appointments = bring(ward, state)
    before = len(person.steps())
    answer = person.act(action, payload_of(person, action, appointments), by=actor_of(ward, person, role), state=state)
    [step] = person.steps()[before:]
    assert (step[0], step[1], step[3]) == (state, answer["journey_state"], action)
    assert answer["available_actions"] == list(available_actions(role, JourneyState(answer["journey_state"])))
    assert answer["last_seq"] == person.events()[-1]["seq"]


@pytest.mark.parametrize("state", JourneyState)
def test_all_else_is_refused_with_its_code_and_changes_nothing(ward: Ward, state: JourneyState):
    person, appointments = bring(ward, state)
    before = ward.everything()
    refused = [case.values for case in REFUSED if case.values[0] == state]
    for _, action, role in refused:
        own = PATIENT_ACTIONS if role == JourneyRole.PATIENT else STAFF_ACTIONS
        payload = payload_of(person, action, appointments)
        with pytest.raises(InvalidAction if action in own else ForbiddenAction) as error:
            person.act(action, payload, by=actor_of(ward, person, role))
        if action in own:
            said = {"journey_state": str(state), "available_actions": list(available_actions(role, state))}
            assert error.value.details == said
        assert ward.everything() == before, (action, role)
