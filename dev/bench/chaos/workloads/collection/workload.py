"""The collection under load: sessions that never stop coming, a provider that fails, and what must hold of both."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import httpx

from dev.bench.chaos.checker import Violation
from dev.bench.chaos.cluster import WorkerKind
from dev.bench.chaos.faults import Injection, KillMoment
from dev.bench.chaos.provider_faults import ProviderFaults
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import IncomingWatch, SystemUnderTest
from dev.bench.chaos.workload import WorkloadOptions
from dev.bench.chaos.workloads.collection.checks import check_collections
from dev.bench.chaos.workloads.collection.client_session import ClientSession
from dev.bench.chaos.workloads.collection.clients import SessionClients
from dev.bench.chaos.workloads.collection.collection_history import CollectionHistory
from dev.bench.chaos.workloads.collection.product import FileStore, read_cxids
from dev.bench.chaos.workloads.collection.purchases import RepeatReason, explain_repeats
from dev.bench.chaos.workloads.collection.reading import find_leftover_files, read_collections
from dev.bench.chaos.workloads.collection.recording import (
    has_open_runs,
    prepare_recording,
    read_fetching,
    read_pids_at_work,
)
from dev.bench.chaos.workloads.collection.spoiling import ENDPOINTS, choose_fault
from dev.bench.results import Metrics

_KILL_AIM_SECONDS = 2.0


class CollectionWorkload:
    follows_new_epochs = True
    workers = WorkerKind()
    # Limits that no person meets, and retries short enough that what they heal is healed within the settling time.
    settings: Mapping[str, str] = {
        "WELNO_BODY_LIMIT": "1000000 per hour",
        "WELNO_PUSH_LIMIT": "1000000 per hour",
        "WELNO_PUSH_PHONE_LIMIT": "1000000 per hour",
        "WELNO_RELAY_POLL_LIMIT": "1000000 per hour",
        "WELNO_STEP_MAX_ATTEMPTS": "50",
        "WELNO_STEP_RETRY_BASE_SECONDS": "0.3",
        "WELNO_STEP_RETRY_MAX_SECONDS": "2",
        "WELNO_FILE_RETRY_DELAYS_SECONDS": "1,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2",
        "WELNO_FILE_RETRY_INTERVAL_SECONDS": "2",
        "WELNO_FILE_ORPHAN_SECONDS": "10",
        # Longer than a process hangs, and short enough to wait for a lost call within the settling time.
        "WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS": "12",
        "WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS": "12",
        "WELNO_CALL_MARGIN_SECONDS": "3",
    }

    def __init__(self, options: WorkloadOptions) -> None:
        self._options = options
        self._system: SystemUnderTest
        self._recorder: DatabaseRecorder
        self._clients: SessionClients
        self._provider_faults: ProviderFaults
        self._incoming: IncomingWatch
        self._failing: Future[None] | None = None

    @property
    def kill_moments(self) -> Mapping[str, KillMoment]:
        return {
            "caller_killed_before_billing": KillMoment(6, lambda: self._callers(billed=False), _KILL_AIM_SECONDS),
            "caller_killed_after_billing": KillMoment(6, lambda: self._callers(billed=True), _KILL_AIM_SECONDS),
        }

    def setup(self, system: SystemUnderTest, recorder: DatabaseRecorder) -> None:
        seed = self._options.seed
        self._system, self._recorder = system, recorder
        prepare_recording(recorder)
        FileStore(system.env).ensure_folders()
        self._incoming = system.watch_incoming()
        self._incoming.start()
        rng = random.Random(f"{seed} clients")
        self._clients = SessionClients(system.web_url, system.sandbox_url, rng, self._options.arrivals)
        rng = random.Random(f"{seed} provider")
        self._provider_faults = ProviderFaults(system.sandbox_url, rng, ENDPOINTS, choose_fault)

    def start(self) -> None:
        self._clients.open()
        self._failing = self._clients.run(self._provider_faults.run())

    def probe(self) -> ClientSession:
        return self._clients.probe()

    def pids_at_work(self) -> set[int]:
        return read_pids_at_work(self._recorder)

    def stop_clients(self) -> None:
        self._clients.stop_arrivals()
        if self._failing is not None:
            self._failing.cancel()
        self._clients.run(self._provider_faults.clear()).result(10)

    def is_settled(self) -> bool:
        return not self._clients.has_unfinished and not has_open_runs(self._recorder)

    def has_upkeep_to_do(self) -> bool:
        return any(find_leftover_files(FileStore(self._system.env)))

    def close(self) -> None:
        self._clients.close()

    def read_history(self, injections: Sequence[Injection]) -> CollectionHistory:
        history = read_collections(self._system, self._recorder, self._incoming.arrived)
        history.injections = injections
        history.clients = list(self._clients.sessions)
        history.provider_faults = self._provider_faults.sent
        return history

    def check(self, history: CollectionHistory) -> list[Violation]:
        return check_collections(history)

    def count(self, history: CollectionHistory) -> Metrics:
        promised = sum(
            client.asked_at is not None and session_id in history.runs
            for session_id, client in history.clients_by_session.items()
        )
        repeats = explain_repeats(history)
        reasons = Counter(repeat.reason for repeat in repeats)
        return {
            "sessions": promised,
            # The web died before it could say the session's id to its client: nobody knows of it, it expires.
            "sessions_never_promised": len(history.runs) - promised,
            "resyncs": sum(client.resyncs for client in history.clients),
            "records": sum(map(len, history.stored_records.values())),
            "provider_faults": history.provider_faults,
            "billed_calls": len(history.billed),
            "answers_lost_in_flight": len(history.billed) - sum(map(bool, history.arrived.values())),
            "sessions_that_bought_twice": len({repeat.session_id for repeat in repeats}),
            **{f"bought_twice_{reason}": reasons[reason] for reason in RepeatReason},
        }

    def _callers(self, *, billed: bool) -> set[int]:
        """Processes that wait for records just now, before or after the provider has charged for them."""
        fetching = read_fetching(self._recorder)
        cxids = {session_id: cxid for cxid, session_id in read_cxids(self._recorder).items() if session_id in fetching}
        try:
            with httpx.Client(base_url=self._system.sandbox_url, timeout=5) as sandbox:
                return {
                    fetching[session_id]
                    for session_id, cxid in cxids.items()
                    if any(_is_under_way(call, billed=billed) for call in _calls_of(sandbox, cxid))
                }
        except httpx.HTTPError:
            return set()


def _calls_of(sandbox: httpx.Client, cxid: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = sandbox.get("/control/calls", params={"cxid": cxid}).json()["calls"]
    return calls


def _is_under_way(call: Mapping[str, Any], *, billed: bool) -> bool:
    return call["delivered"] is None and call["billed"] == billed
