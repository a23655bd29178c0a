"""The journey under load: random actions of patients and desks at once, and a hospital in which all must agree."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dev.bench.chaos.acting_clients import ActingClients, ActionProbe, ClientActor
from dev.bench.chaos.checker import Violation, check_answers, doubled, lost
from dev.bench.chaos.cluster import WorkerKind
from dev.bench.chaos.faults import Injection, KillMoment
from dev.bench.chaos.history import ChaosHistory, WorkChange, WorkState
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import SystemUnderTest
from dev.bench.chaos.workload import WorkloadOptions
from dev.bench.chaos.workloads.journey.actors import PERFORM, DeskActor, PatientActor
from dev.bench.chaos.workloads.journey.hospital import WorkloadHospital
from dev.bench.results import Metrics
from services.journey.health import HealthReport

# What an answer may be: done, refused by the rules, or taken by another meanwhile. Nothing else, whatever was killed.
_EXPECTED = frozenset({200, 201, 400, 403, 404, 409})
_MOST_NAMED = 10
_LOOK = PERFORM.replace("perform-action", "current-state")


@dataclass(kw_only=True)
class HospitalHistory(ChaosHistory):
    """What the stores hold at the end, and what the clients were answered."""

    report: HealthReport
    holes: Sequence[str]
    behind: Sequence[str]
    unanswered: int
    answers: Mapping[int, int] = field(default_factory=dict)
    errors: Sequence[str] = ()


class JourneyWorkload:
    follows_new_epochs = True
    workers = WorkerKind()
    # Limits that no person meets.
    settings: Mapping[str, str] = {"WELNO_BODY_LIMIT": "1000000 per hour"}

    def __init__(self, options: WorkloadOptions) -> None:
        self._options = options
        self._rng = random.Random(f"{options.seed} journey")
        self._hospital: WorkloadHospital
        self._clients: ActingClients
        self._patients: list[PatientActor] = []

    @property
    def kill_moments(self) -> Mapping[str, KillMoment]:
        return {}

    def setup(self, system: SystemUnderTest, recorder: DatabaseRecorder) -> None:
        del recorder
        self._hospital = WorkloadHospital(system.env)
        self._hospital.furnish()
        self._patients = [PatientActor(self._hospital.add_patient(number)) for number in range(self._options.people)]
        desks = [DeskActor(self._hospital.add_staff(number)) for number in range(self._options.desks)]
        # Desks are few and have much to do: each is there as often as they all are among as many patients.
        share = max(len(self._patients) // (3 * max(len(desks), 1)), 1)
        actors: list[ClientActor] = [*self._patients, *(desk for desk in desks for _ in range(min(share, 5)))]
        rng = random.Random(f"{self._options.seed} clients")
        self._clients = ActingClients(f"{system.web_url}/api/v1", actors, rng, self._options.arrivals)

    def start(self) -> None:
        self._clients.open()

    def probe(self) -> ActionProbe:
        return self._clients.probe(self._rng.choice(self._patients), _LOOK)

    def pids_at_work(self) -> set[int]:
        """Actions are the web's, and last for milliseconds."""
        return set()

    def stop_clients(self) -> None:
        self._clients.stop_arrivals()

    def is_settled(self) -> bool:
        return not self._clients.under_way

    def has_upkeep_to_do(self) -> bool:
        return bool(self._hospital.find_behind())

    def close(self) -> None:
        self._clients.close()

    def read_history(self, injections: Sequence[Injection]) -> HospitalHistory:
        history = HospitalHistory(
            injections=injections,
            report=self._hospital.check(),
            holes=self._hospital.find_holes(),
            behind=self._hospital.find_behind(),
            unanswered=self._clients.under_way,
            answers=self._clients.answers,
            errors=self._clients.errors,
        )
        for probe in self._clients.probes:
            if probe.key:
                history.work[probe.key] = [WorkChange(probe.answered_at, WorkState.RUNNING, None, 1)]
        self._hospital.close()
        return history

    def check(self, history: HospitalHistory) -> list[Violation]:
        report = history.report
        found = [
            lost(f"{one.user_id} is {one.journey_state}, and {', '.join(one.queue_states) or 'nothing'} in the lines")
            for one in report.inconsistent[:_MOST_NAMED]
        ]
        found += [lost(f"{subject}: its log has a hole") for subject in history.holes[:_MOST_NAMED]]
        found += [lost(f"{subject}: its stream is behind the log") for subject in history.behind[:_MOST_NAMED]]
        if report.orphans:
            found.append(lost(f"{report.orphans} people wait without an entry"))
        if report.invalid_steps:
            found.append(doubled(f"{report.invalid_steps} steps are unknown, or missing in a chain"))
        found += check_answers(history.answers, history.unanswered, _EXPECTED)
        return [*found, *(doubled(error) for error in history.errors[:_MOST_NAMED])]

    def count(self, history: HospitalHistory) -> Metrics:
        return {
            "actions": sum(history.answers.values()),
            "actions_done": sum(count for status, count in history.answers.items() if status < 300),
            "actions_refused": sum(count for status, count in history.answers.items() if status >= 300),
            "people": history.report.total_patients,
            "active_entries": history.report.active_queues,
            "mismatches": len(history.report.inconsistent),
            "orphans": history.report.orphans,
            "unknown_steps": history.report.invalid_steps,
        }
