"""The one table of the journey: who may do what when, and what entries in lines mean."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from models.journey import JourneyAction, JourneyPhase, JourneyRole, JourneyState, QueueState, TriggerType
from models.journey.definitions import state_definitions
from models.journey.states import (
    ACTIVE_STATES,
    COMPUTED_ACTIONS,
    JOURNEY_OF_QUEUE,
    PATIENT_ACTIONS,
    PHASES,
    QUEUE_OF_JOURNEY,
    STAFF_ACTIONS,
    TRANSITIONS,
    available_actions,
    expected_state,
    is_available,
    is_consistent,
    is_known_step,
    most_advanced,
    phase_of,
    trigger_of,
)

MORNING = datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
PATIENT, STAFF, ADMIN, DISPLAY = JourneyRole
LISTED = [*PATIENT_ACTIONS, *STAFF_ACTIONS]


@dataclass
class Line:
    state: str
    minute: int = 0

    @property
    def joined_at(self) -> datetime:
        return MORNING + timedelta(minutes=self.minute)


def test_of_all_combinations_twenty_eight_pass():
    passing = [
        (state, action, role)
        for state in JourneyState
        for action in LISTED
        for role in (PATIENT, STAFF, ADMIN)
        if action in available_actions(role, state)
    ]
    assert len(JourneyState) * len(LISTED) * 3 == 324
    assert [sum(role == one for _, _, role in passing) for one in (PATIENT, STAFF, ADMIN)] == [10, 9, 9]


def test_a_display_may_do_nothing():
    assert {available_actions(DISPLAY, state) for state in JourneyState} == {()}


@pytest.mark.parametrize("state", COMPUTED_ACTIONS[JourneyAction.CANCEL_APPOINTMENT])
def test_only_staff_may_cancel_though_no_row_says_who(state: JourneyState):
    assert [is_available(state, JourneyAction.CANCEL_APPOINTMENT, role) for role in JourneyRole] == [
        False,
        True,
        True,
        False,
    ]


def test_actions_are_offered_in_the_order_in_which_they_are_listed():
    for role, listed in ((PATIENT, PATIENT_ACTIONS), (STAFF, STAFF_ACTIONS)):
        for state in JourneyState:
            places = [listed.index(action) for action in available_actions(role, state)]
            assert all(one < next_one for one, next_one in pairwise(places))
    assert available_actions(STAFF, JourneyState.WAITING) == ("call_patient", "mark_no_show", "cancel_appointment")


def test_the_published_definitions_say_the_same():
    said = state_definitions()
    assert len(said["transitions"]) == 14
    assert sum(len(actions) for actions in said["state_transitions"].values()) == 13
    assert said["computed_actions"] == {"cancel_appointment": ["REGISTERED", "WAITING", "CALLED"]}
    assert said["mappings"]["queue_to_journey"]["no_show"] == "WAITING"
    assert said["mappings"]["journey_to_queue"] == {
        "WAITING": "waiting",
        "CALLED": "called",
        "IN_PROGRESS": "in_progress",
        "COMPLETED": "completed",
    }
    assert said["version"] == state_definitions()["version"]


def test_every_state_has_a_phase_and_every_queue_state_a_meaning():
    assert [state for states in PHASES.values() for state in states] == list(JourneyState)
    assert phase_of(JourneyState.CALLED) == JourneyPhase.SERVICE
    assert set(JOURNEY_OF_QUEUE) == set(QueueState)
    assert all(JOURNEY_OF_QUEUE[queue] == journey for journey, queue in QUEUE_OF_JOURNEY.items())


@pytest.mark.parametrize("name", ["ONGOING", "ongoing", "pending"])
def test_old_names_are_gone(name: str):
    assert name not in {*JourneyState, *QueueState}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], None),
        (["waiting"], "WAITING"),
        (["delayed"], "WAITING"),
        (["waiting", "called"], "CALLED"),
        (["called", "in_progress"], "IN_PROGRESS"),
        (["completed", "waiting"], "WAITING"),
        (["completed", "cancelled"], "COMPLETED"),
        (["cancelled", "cancelled"], "REGISTERED"),
        (["no_show"], "WAITING"),
    ],
)
def test_entries_say_where_the_person_is(states: list[str], expected: str | None):
    assert expected_state([Line(state) for state in states]) == expected


def test_the_most_advanced_entry_decides_and_of_equals_the_older():
    lines = [Line("waiting", 1), Line("delayed", 0), Line("completed", 0), Line("called", 3), Line("called", 2)]
    assert most_advanced(lines) == lines[4]
    assert most_advanced(lines[:3]) == lines[1]
    assert most_advanced(lines[2:3]) is None


@pytest.mark.parametrize(
    ("state", "entries", "consistent"),
    [
        ("REGISTERED", [], True),
        ("WAITING", [], False),
        ("FINISHED", ["completed"], True),
        ("REGISTERED", ["completed"], False),
        ("PAYMENT", ["completed", "waiting"], False),
        ("REGISTERED", ["cancelled"], True),
    ],
)
def test_a_state_fits_the_entries_or_not(state: str, entries: list[str], consistent: bool):
    assert is_consistent(JourneyState(state), [Line(one) for one in entries]) is consistent


def test_the_trigger_follows_who_acts():
    assert trigger_of(JourneyAction.COMPLETE_EXAM, PATIENT) == TriggerType.PATIENT_ACTION
    assert trigger_of(JourneyAction.COMPLETE_EXAM, ADMIN) == TriggerType.STAFF_ACTION
    assert trigger_of(JourneyAction.SCAN_NFC, PATIENT) == TriggerType.NFC_TAG
    assert trigger_of(JourneyAction.SCAN_NFC, STAFF) == TriggerType.STAFF_ACTION


@pytest.mark.parametrize(
    ("step", "known"),
    [
        (("WAITING", "CALLED", "staff_action", "call_patient"), True),
        (("CALLED", "REGISTERED", "staff_action", "cancel_appointment"), True),
        (("CALLED", "REGISTERED", "staff_action", "call_patient"), False),
        (("COMPLETED", "WAITING", "queue_sync", "complete_exam"), True),
        (("ONGOING", "COMPLETED", "queue_sync", "complete_exam"), False),
    ],
)
def test_a_logged_step_is_known_or_not(step: tuple[str, str, str, str], known: bool):
    assert is_known_step(*step) is known


def test_every_row_is_of_an_action_that_its_actor_has():
    assert all(row.action in available_actions(row.actor, row.source) for row in TRANSITIONS)
    assert set(COMPUTED_ACTIONS) <= set(STAFF_ACTIONS)
    assert len(set(ACTIVE_STATES)) == 4
