"""What the journey's workload does at random, and what it finds wrong."""

import random
from dataclasses import replace
from uuid import UUID

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.checker import ViolationKind
from dev.bench.chaos.workload import WorkloadOptions
from dev.bench.chaos.workloads.journey.actors import CALL, PERFORM, DeskActor, PatientActor
from dev.bench.chaos.workloads.journey.hospital import ActorLogin
from dev.bench.chaos.workloads.journey.workload import HospitalHistory, JourneyWorkload
from models.journey import JourneyState
from services.journey.health import HealthReport, Inconsistency

LOGIN = ActorLogin(UUID(int=1), "invented")
HEALTHY = HealthReport([], 0, 0, [], 1, 0, {"WAITING": 1})
HISTORY = HospitalHistory(report=HEALTHY, holes=[], behind=[], unanswered=0, answers={200: 5, 400: 1, 409: 2})
WORKLOAD = JourneyWorkload(WorkloadOptions(seed=1, arrivals=1))


def kinds(history: HospitalHistory) -> list[ViolationKind]:
    return [violation.kind for violation in WORKLOAD.check(history)]


def test_a_patient_mostly_does_what_is_possible_and_now_and_then_what_is_not():
    patient, rng = PatientActor(LOGIN), random.Random(1)
    patient.note_answer(ActorRequest(PERFORM), 200, {"available_actions": ["register"]})
    actions = [patient.next_request(rng)[1]["action_type"] for _ in range(100)]
    assert actions.count("register") > 70
    assert len(set(actions)) > 3


def test_a_refusal_tells_a_patient_where_they_are():
    patient = PatientActor(LOGIN)
    patient.note_answer(ActorRequest(PERFORM), 400, {"error": {"details": {"available_actions": ["make_payment"]}}})
    assert patient.available == ["make_payment"]


def test_a_desk_acts_on_whom_it_has_called():
    desk, rng = DeskActor(LOGIN), random.Random(1)
    assert desk.next_request(rng)[0] == CALL
    queue_id = str(UUID(int=7))
    desk.note_answer(ActorRequest(CALL), 200, {"patient": {"user_id": "u"}, "queue": {"queue_id": queue_id}})
    paths = {desk.next_request(rng)[0] for _ in range(200)}
    assert {CALL, PERFORM, f"/queue/{queue_id}/recall", f"/queue/{queue_id}/transfer"} <= paths


def test_a_run_in_which_all_agree_has_no_violation():
    assert kinds(HISTORY) == []


def test_everything_that_must_not_be_is_named():
    elsewhere = Inconsistency(UUID(int=1), JourneyState.WAITING, ("called",), JourneyState.CALLED)
    report = replace(HEALTHY, inconsistent=[elsewhere], orphans=1, invalid_steps=1)
    bad = replace(HISTORY, report=report, holes=["patient:1"], behind=["queue:1"], unanswered=1, answers={500: 1})
    assert kinds(bad).count(ViolationKind.LOST) == 5
    assert kinds(bad).count(ViolationKind.DOUBLED) == 2
