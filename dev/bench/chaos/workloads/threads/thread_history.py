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


@dataclass(frozen=True)
class StoredSending:
    """Of records. `messages` are the dedupeIds of all that it has to write; `result` is None while it is under way."""

    thread_id: str
    result: str | None
    messages: frozenset[str]


@dataclass(kw_only=True)
class BlobHistory:
    """`completed` has the hash of each content, `read` what each reader got at the end: None for nothing. `kept` are
    those that the sweep of a day later has left, `odd_files` what lies beside their parts then."""

    completed: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    odd_files: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class StoredLink:
    """`files_taken` counts what was given out at locations."""

    files: Sequence[str]
    is_active: bool = True
    is_locked: bool = False
    wrong_tries: int = 0
    files_taken: int = 0


@dataclass(frozen=True, kw_only=True)
class ToldLink:
    """What its maker and its guests were answered: `remaining` after each wrong passcode, `refused` how often it was
    not there while nobody had ended it, and of each location that was asked how often it opened."""

    files: Sequence[str]
    has_passcode: bool = False
    is_ended: bool = False
    remaining: Sequence[int] = ()
    refused: int = 0
    locations: Sequence[int] = ()


@dataclass(kw_only=True)
class LinkHistory:
    """By their ids."""

    told: Mapping[str, ToldLink] = field(default_factory=dict)
    stored: Mapping[str, StoredLink] = field(default_factory=dict)


@dataclass(kw_only=True)
class ThreadHistory(ChaosHistory):
    """`acknowledged` are envelopes by their dedupeId; `read` is what each reader heard of each thread, `ends` the last
    number of each, `behind` those whose stream is not there yet. `sendings_told` are the ids that patients were
    answered."""

    sent: frozenset[str] = frozenset()
    acknowledged: Mapping[str, Receipt] = field(default_factory=dict)
    stored: Mapping[str, Sequence[NumberedItem]] = field(default_factory=dict)
    read: Mapping[str, Mapping[str, Sequence[NumberedItem]]] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    behind: Sequence[str] = ()
    broken_audits: Sequence[str] = ()
    trespasses: Sequence[str] = ()
    oddities: Sequence[str] = ()
    sendings: Mapping[str, StoredSending] = field(default_factory=dict)
    sendings_told: frozenset[str] = frozenset()
    blobs: BlobHistory = field(default_factory=BlobHistory)
    links: LinkHistory = field(default_factory=LinkHistory)
    unanswered: int = 0
    answers: Mapping[int, int] = field(default_factory=dict)
    duplicates: int = 0
    reconnects: int = 0
