"""All that is known of the threads after a run, as plain values: from writers, readers and the stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dev.bench.chaos.history import ChaosHistory


class NumberedItem(NamedTuple):
    """`dedupe_id` is None of what the server tells."""

    seq: int
    dedupe_id: str | None


class Receipt(NamedTuple):
    """What a sender was answered about one of its envelopes."""

    thread_id: str
    seq: int


@dataclass(kw_only=True)
class ThreadHistory(ChaosHistory):
    """`acknowledged` are envelopes by their dedupeId; `read` is what each reader heard of each thread, `ends` the last
    number of each, `behind` those whose stream is not there yet."""

    sent: frozenset[str] = frozenset()
    acknowledged: Mapping[str, Receipt] = field(default_factory=dict)
    stored: Mapping[str, Sequence[NumberedItem]] = field(default_factory=dict)
    read: Mapping[str, Mapping[str, Sequence[NumberedItem]]] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    behind: Sequence[str] = ()
    broken_audits: Sequence[str] = ()
    trespasses: Sequence[str] = ()
    oddities: Sequence[str] = ()
    unanswered: int = 0
    answers: Mapping[int, int] = field(default_factory=dict)
    duplicates: int = 0
    reconnects: int = 0
