"""What a change costs: its statements, each of them a round trip to the database."""

import pytest

from tests.integration.journey.test_faults import CHANGES, with_two_lines
from tests.integration.journey.ward import BLOOD, XRAY, Ward, counted

# Without what finds the login and logs the access. A change that takes another knows why.
MOST_STATEMENTS = {
    "scan": 18,  # the tag as a row, too: a dynamic one keeps its count
    "login": 31,
    "register": 8,
    "confirm": 16,
    "second_line": 17,
    "call": 16,
    "next": 19,
    "delay": 11,
    "priority": 11,
    "transfer": 21,
    "recall": 12,
    "undo": 12,
    "no_show": 13,
    "cancel": 11,
    "enter": 12,
    "complete": 12,
    "pay": 9,
    "leave": 9,
    "day_close": 12,
}

# These look up the entry that they change by a snapshot first.
LOOKED_UP = {"call", "delay", "priority", "transfer", "recall", "undo", "cancel"}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_takes_no_more_statements_than_are_known(ward: Ward, name: str):
    state, change = CHANGES[name]
    person = with_two_lines(ward) if name == "complete" else ward.patient(BLOOD, XRAY).comes(state)
    ward.advance(seconds=30)
    if name == "day_close":
        ward.advance(hours=16)
    with counted(ward.stores.engine) as looked_up:
        person.snapshot()
    with counted(ward.stores.engine) as made:
        change(ward, person)
    of_change = made[len(looked_up) :] if name in LOOKED_UP else made
    assert len(of_change) <= MOST_STATEMENTS[name], "\n".join(of_change)
