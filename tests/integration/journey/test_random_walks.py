"""Whatever people and desks do at once: everybody is where their entries say, and no step and no event is missing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from models.journey import JourneyState, PatientState, QueueEntry
from models.journey.states import PATIENT_ACTIONS, STAFF_ACTIONS, is_consistent, is_known_step
from services.delivery.idempotency import KeyOfAnotherCall
from services.journey.calling import recall, undo_call
from services.journey.errors import JourneyError
from services.journey.queueing import delay_entry, join_queue, prioritize_entry, transfer_entry
from tests.integration.journey.ward import BLOOD, TAG_CODE, XRAY, Patient, Ward

_PEOPLE, _THREADS, _ACTIONS = 12, 4, 160


def do_something(ward: Ward, people: list[Patient], chance: Random) -> None:
    person, desk, exam = chance.choice(people), chance.choice(ward.desks), chance.choice([BLOOD, XRAY])
    entries = person.entries()
    queue_id = chance.choice(entries).queue_id if entries else UUID(int=1)
    payloads: dict[str, dict[str, Any]] = {
        "scan_nfc": {"tag_code": TAG_CODE},
        "confirm_arrival": {"exam_id": exam},
        "cancel_appointment": {"queue_id": str(queue_id), "reason": "요청"},
    }
    by_person, by_desk = chance.choice(PATIENT_ACTIONS), chance.choice(STAFF_ACTIONS)
    key = f"key-{chance.randrange(20)}"
    choices: list[Callable[[], object]] = [
        lambda: person.act(by_person, payloads.get(by_person), key=key),
        lambda: person.act(by_person, payloads.get(by_person), state=person.state),
        lambda: person.act(by_desk, payloads.get(by_desk), by=desk),
        lambda: ward.call_next(exam, desk),
        lambda: ward.run(join_queue, person.user_id, exam, desk),
        lambda: ward.run(delay_entry, queue_id, desk, is_delayed=chance.random() < 0.5),
        lambda: ward.run(prioritize_entry, queue_id, desk, priority=chance.randrange(4), reason="urgent"),
        lambda: ward.run(transfer_entry, queue_id, desk, exam_id=exam, reason="순서"),
        lambda: ward.run(recall, queue_id, desk),
        lambda: ward.run(undo_call, queue_id, desk),
    ]
    # Most of what is tried by chance is refused: steps that lead on are tried more often.
    weights = [4, 8, 6, 4, 1, 1, 1, 1, 1, 1]
    with suppress(JourneyError, KeyOfAnotherCall):
        chance.choices(choices, weights)[0]()


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_done_at_once_nobody_is_elsewhere_than_their_entries_say(ward: Ward, seed: int):
    people = [ward.patient(BLOOD, XRAY).comes(JourneyState.REGISTERED) for _ in range(_PEOPLE)]

    def act(thread: int) -> None:
        chance = Random(f"{seed}-{thread}")
        for _ in range(_ACTIONS):
            do_something(ward, people, chance)

    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(act, thread) for thread in range(_THREADS)]:
            done.result(110)
    check_everybody(ward)
    assert len(ward.rows("select distinct from_state, to_state from welno.state_transitions")) > 10
    for person in people:
        assert person.events()[-1]["seq"] == person.snapshot()["last_seq"]


def check_everybody(ward: Ward) -> None:
    with ward.stores.sessions() as session:
        for row in session.scalars(select(PatientState)):
            entries = session.scalars(select(QueueEntry).where(QueueEntry.visit_id == row.visit_id)).all()
            assert is_consistent(JourneyState(row.current_state), entries), row.current_state
    by_visit: dict[UUID, list[Any]] = {}
    for step in ward.rows("select * from welno.state_transitions order by id"):
        assert is_known_step(step.from_state, step.to_state, step.trigger_type, step.trigger_source), step
        by_visit.setdefault(step.visit_id, []).append(step)
    for steps in by_visit.values():
        assert all(one.to_state == following.from_state for one, following in pairwise(steps))
    for exam_id in (BLOOD, XRAY):
        numbers = ward.rows("select queue_number from welno.queues where exam_id = :e order by 1", e=exam_id)
        assert [row.queue_number for row in numbers] == list(range(1, len(numbers) + 1))
    states = "select queue_id, array_agg(new_state order by id) as states from welno.queue_status_logs group by 1"
    logged = {row.queue_id: row.states for row in ward.rows(states)}
    assert {row.queue_id: logged[row.queue_id][-1] for row in ward.rows("select * from welno.queues")} == {
        row.queue_id: row.state for row in ward.rows("select * from welno.queues")
    }
