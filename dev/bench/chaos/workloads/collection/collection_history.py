"""All that is known of the sessions after a run, as plain values: from clients, the database, Redis, disk, provider."""

from dataclasses import dataclass, field

from dev.bench.chaos.history import ChaosHistory
from dev.bench.chaos.workloads.collection.client_session import ClientSession
from dev.bench.chaos.workloads.collection.product import EventBody

# A digest stands for an answer or a record: what is compared is only whether two are the same.
Digest = str


@dataclass(frozen=True)
class FinalRun:
    """How a session's run stood at the end. `failed_kinds` are those whose answer it told as failed."""

    session_id: str
    status: str
    step: str
    run_state: str
    patient_uuid: str
    error_code: str | None
    health_count: int | None
    has_secrets: bool
    failed_kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class BilledCall:
    """One answer that the provider charged for. `began_at` is when the call came in."""

    session_id: str
    kind: str
    began_at: float
    was_delivered: bool


@dataclass(kw_only=True)
class CollectionHistory(ChaosHistory):
    """`arrived`, by session and kind, is when an answer got its durable place on disk. `served` are the answers that
    the provider gave a session, `files` what its packages hold; `served_records` and `stored_records` are those of a
    patient, `failed_records` those served to a run that told them as failed."""

    clients: list[ClientSession] = field(default_factory=list)
    runs: dict[str, FinalRun] = field(default_factory=dict)
    committed: dict[str, list[tuple[int, EventBody]]] = field(default_factory=dict)
    streams: dict[str, list[tuple[int, EventBody]]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    repeated_steps: list[tuple[str, str, int]] = field(default_factory=list)
    billed: list[BilledCall] = field(default_factory=list)
    arrived: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    served: dict[tuple[str, str], set[Digest]] = field(default_factory=dict)
    files: dict[tuple[str, str], Digest] = field(default_factory=dict)
    served_records: dict[tuple[str, str], set[Digest]] = field(default_factory=dict)
    failed_records: dict[tuple[str, str], set[Digest]] = field(default_factory=dict)
    stored_records: dict[tuple[str, str], list[Digest]] = field(default_factory=dict)
    paid_reports: dict[str, int] = field(default_factory=dict)
    made_reports: set[str] = field(default_factory=set)
    leftover_files: list[str] = field(default_factory=list)
    provider_faults: int = 0

    @property
    def has_lost_files(self) -> bool:
        return any(one.lost_files for one in self.injections)

    @property
    def completed(self) -> list[FinalRun]:
        return [run for run in self.runs.values() if run.status == "completed"]

    @property
    def clients_by_session(self) -> dict[str, ClientSession]:
        return {client.session_id: client for client in self.clients if client.session_id}
