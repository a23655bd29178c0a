"""The interviews under load: members who never stop, a MISO that fails, and what must hold of both."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

import httpx

from dev.bench.chaos.acting_clients import ActingClients, ActionProbe
from dev.bench.chaos.checker import Violation
from dev.bench.chaos.cluster import WorkerKind
from dev.bench.chaos.event_stream_client import EventStreamClient
from dev.bench.chaos.faults import Injection, KillMoment
from dev.bench.chaos.history import WorkChange, WorkState
from dev.bench.chaos.provider_faults import ProviderFaults
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import SystemUnderTest
from dev.bench.chaos.workload import WorkloadOptions
from dev.bench.chaos.workloads.interviews.actors import MemberActor, SharedProject
from dev.bench.chaos.workloads.interviews.checks import check_interviews
from dev.bench.chaos.workloads.interviews.interview_history import InterviewHistory
from dev.bench.chaos.workloads.interviews.reading import (
    find_open_runs,
    read_billed,
    read_calls_of,
    read_committed,
    read_stored,
)
from dev.bench.chaos.workloads.interviews.recording import (
    has_open_runs,
    prepare_recording,
    read_callers,
    read_changes,
    read_pids_at_work,
    read_statuses,
)
from dev.bench.chaos.workloads.interviews.research import WorkloadCompany
from dev.bench.chaos.workloads.interviews.spoiling import ENDPOINTS, choose_fault
from dev.bench.results import Metrics
from dev.local.programs import interviews_program

_PROJECTS = 3
_KILL_AIM_SECONDS = 2.0


class InterviewsWorkload:
    """Even seeds ask MISO blocking, odd ones streaming."""

    follows_new_epochs = False
    workers = WorkerKind(interviews_program, beside=("worker",))

    def __init__(self, options: WorkloadOptions) -> None:
        self._options = options
        self._rng = random.Random(f"{options.seed} interviews")
        self._system: SystemUnderTest
        self._recorder: DatabaseRecorder
        self._company: WorkloadCompany
        self._clients: ActingClients
        self._provider_faults: ProviderFaults
        self._projects: list[SharedProject] = []
        self._members: list[MemberActor] = []
        self._readers: list[EventStreamClient] = []
        self._lasting: list[Future[None]] = []

    @property
    def settings(self) -> Mapping[str, str]:
        """Limits that no person meets, and a wait for MISO that is over within the settling time."""
        return {
            "WELNO_BODY_LIMIT": "1000000 per hour",
            "WELNO_INTERVIEW_CONCURRENCY": "20",
            "WELNO_MISO_TIMEOUT_SECONDS": "6",
            "WELNO_MISO_MODE": "streaming" if self._options.seed % 2 else "blocking",
        }

    @property
    def kill_moments(self) -> Mapping[str, KillMoment]:
        return {
            "analyst_killed_before_billing": KillMoment(6, lambda: self._callers(billed=False), _KILL_AIM_SECONDS),
            "analyst_killed_after_billing": KillMoment(6, lambda: self._callers(billed=True), _KILL_AIM_SECONDS),
        }

    def setup(self, system: SystemUnderTest, recorder: DatabaseRecorder) -> None:
        seed = self._options.seed
        self._system, self._recorder = system, recorder
        prepare_recording(recorder)
        self._company = WorkloadCompany(system.env)
        self._projects = [SharedProject(project_id) for project_id in self._company.add_projects(_PROJECTS)]
        self._members = [self._add_member(number) for number in range(max(self._options.people, _PROJECTS))]
        rng = random.Random(f"{seed} clients")
        self._clients = ActingClients(system.web_url, self._members, rng, self._options.arrivals)
        place = self._company.read_first_place()
        self._readers = [
            self._add_reader(f"{system.web_url}/api/sse/projects/{one.project_id}", one.project_id, place)
            for one in self._projects
        ]
        rng = random.Random(f"{seed} provider")
        self._provider_faults = ProviderFaults(system.sandbox_url, rng, ENDPOINTS, choose_fault)

    def start(self) -> None:
        self._clients.open()
        self._lasting = [self._clients.run(one.follow()) for one in self._readers]
        self._lasting.append(self._clients.run(self._provider_faults.run()))

    def probe(self) -> ActionProbe:
        member = self._rng.choice(self._members)
        return self._clients.probe(member, member.list_path)

    def pids_at_work(self) -> set[int]:
        return read_pids_at_work(self._recorder)

    def stop_clients(self) -> None:
        self._clients.stop_arrivals()
        self._lasting.pop().cancel()
        self._clients.run(self._provider_faults.clear()).result(10)

    def is_settled(self) -> bool:
        return not self._clients.under_way and not has_open_runs(self._recorder)

    def has_upkeep_to_do(self) -> bool:
        """Streams and readers are still on their way to the end of the log."""
        ends = self._company.read_ends()
        return bool(self._company.find_behind()) or any(one.last_seq < ends.get(one.name, 0) for one in self._readers)

    def close(self) -> None:
        for lasting in self._lasting:
            lasting.cancel()
        self._clients.close()

    def read_history(self, injections: Sequence[Injection]) -> InterviewHistory:
        recorder = self._recorder
        with httpx.Client(base_url=self._system.sandbox_url, timeout=60) as sandbox:
            billed = read_billed(sandbox)
        history = InterviewHistory(
            injections=injections,
            work=read_changes(recorder),
            accepted={one: project.project_id for project in self._projects for one in project.accepted},
            stored=read_stored(recorder),
            statuses=read_statuses(recorder),
            committed=read_committed(recorder),
            read={reader.name: reader.events for reader in self._readers},
            ends=self._company.read_ends(),
            behind=self._company.find_behind(),
            billed=billed,
            open_runs=find_open_runs(recorder),
            trespasses=[sentence for member in self._members for sentence in member.trespasses],
            oddities=[*self._clients.errors, *(odd for reader in self._readers for odd in reader.oddities)],
            unanswered=self._clients.under_way,
            answers=self._clients.answers,
            provider_faults=self._provider_faults.sent,
            reconnects=sum(reader.connections - 1 for reader in self._readers),
        )
        for probe in self._clients.probes:
            if probe.key:
                history.work[probe.key] = [WorkChange(probe.answered_at, WorkState.RUNNING, None, 1)]
        self._company.close()
        return history

    def check(self, history: InterviewHistory) -> list[Violation]:
        return check_interviews(history)

    def count(self, history: InterviewHistory) -> Metrics:
        ends = Counter("deleted" if last[-1].is_deleted else last[-1].status for last in history.statuses.values())
        return {
            "interviews": len(history.stored),
            **{f"interviews_{end}": ends[end] for end in ("completed", "failed", "deleted")},
            "attempts": sum(last[-1].attempt for last in history.statuses.values()),
            "billed_attempts": len(history.billed),
            "actions": sum(history.answers.values()),
            "actions_refused": sum(count for status, count in history.answers.items() if status >= 300),
            "events": sum(history.ends.values()),
            "reconnects_of_readers": history.reconnects,
            "provider_faults": history.provider_faults,
        }

    def _add_member(self, number: int) -> MemberActor:
        project = self._projects[number % _PROJECTS]
        others = [one for one in self._projects if one is not project]
        return MemberActor(self._company.add_member(project.project_id), project, others)

    def _add_reader(self, url: str, project_id: str, place: str) -> EventStreamClient:
        return EventStreamClient(url, project_id, self._company.add_member(project_id).token, place)

    def _callers(self, *, billed: bool) -> set[int]:
        """Processes that wait for MISO just now, before or after it has charged for the call."""
        try:
            with httpx.Client(base_url=self._system.sandbox_url, timeout=5) as sandbox:
                return {
                    pid
                    for user, pid in read_callers(self._recorder).items()
                    if any(call["status"] is None and call["billed"] == billed for call in read_calls_of(sandbox, user))
                }
        except httpx.HTTPError:
            return set()
