"""All that is known of the interviews after a run, as plain values: from members, readers, stores, MISO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dev.bench.chaos.history import ChaosHistory

Event = tuple[int, dict[str, Any]]


class RowStatus(NamedTuple):
    """One committed state of an interview's row."""

    status: str
    attempt: int
    revision: int
    is_deleted: bool


class Attempt(NamedTuple):
    interview_id: str
    number: int


@dataclass(kw_only=True)
class InterviewHistory(ChaosHistory):
    """`accepted` and `stored` are the interviews that members were promised and that the database has, with their
    projects. `committed` and `read` are a project's events by the log and by its reader, `ends` the numbers of their
    last. `billed` says how often MISO charged for an attempt."""

    accepted: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, Sequence[RowStatus]] = field(default_factory=dict)
    committed: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    read: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    behind: Sequence[str] = ()
    billed: Mapping[Attempt, int] = field(default_factory=dict)
    open_runs: Sequence[str] = ()
    trespasses: Sequence[str] = ()
    oddities: Sequence[str] = ()
    unanswered: int = 0
    answers: Mapping[int, int] = field(default_factory=dict)
    provider_faults: int = 0
    reconnects: int = 0
