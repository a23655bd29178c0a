"""What a fault is, which kinds the engine knows, and what is recorded of each injection."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class FaultKind(StrEnum):
    WORKER = "worker_killed"
    WEB = "web_killed"
    WEB_CHILD = "web_child_killed"
    BEAT = "beat_killed"
    POLLER = "poller_killed"
    SWEEPERS = "sweepers_and_a_worker_killed"
    WORKER_PAUSED = "worker_paused"
    POLLER_PAUSED = "poller_paused"
    REDIS_FLUSHED = "redis_flushed"
    REDIS_KEPT = "redis_killed_data_kept"
    REDIS_LOST = "redis_killed_data_lost"
    POSTGRES_STOPPED = "postgres_stopped_at_once"
    POSTGRES_KILLED = "postgres_killed"
    POSTGRES_CUT = "network_to_postgres_cut"
    REDIS_CUT = "network_to_redis_cut"
    POSTGRES_STALLED = "network_to_postgres_stalled"
    REDIS_STALLED = "network_to_redis_stalled"


class Harm(StrEnum):
    """What a fault did to the processes that it hit."""

    KILLED = "killed"
    PAUSED = "paused"
    CUT_OFF = "cut_off"  # they live on, and reach nobody: what is on its way to them may be lost
    HINDERED = "hindered"  # a link over which answers come is cut or slow: the same, while they go on


class RecoveryProbe(Protocol):
    """Work that a client begins after a fault; its first step shows that the service is back."""

    @property
    def key(self) -> str:
        """Of the work; empty until the service has given it one."""


@dataclass
class Injection:
    """One fault that was injected. `pids` are the processes that it hit at `at`, and lost what they held, unless they
    were hindered alone; `over_at` is when its cause was removed, which took `heal_seconds`. With `is_missed_at_once` it
    is measured from its beginning on, though it hit no process. `lost_files`: what the file store held is gone;
    `began_epoch`: readers were told to start anew."""

    kind: str
    at: float
    target: str
    pids: frozenset[int] = frozenset()
    over_at: float | None = None
    probe: RecoveryProbe | None = None
    recoveries: list[float] = field(default_factory=list)
    harm: Harm = Harm.KILLED
    heal_seconds: float | None = None
    is_missed_at_once: bool = False
    lost_files: bool = False
    began_epoch: bool = False

    @property
    def measured_from(self) -> float:
        """What was killed or paused is missed at once; a store is only expected back when it is there again."""
        if self.pids or self.is_missed_at_once or self.over_at is None:
            return self.at
        return self.over_at

    @property
    def is_kill(self) -> bool:
        return bool(self.pids) and self.harm is Harm.KILLED

    @property
    def interrupts(self) -> bool:
        """Whether others have to go on with what its processes held."""
        return bool(self.pids) and self.harm is not Harm.HINDERED


@dataclass(frozen=True)
class Injector:
    """Of one kind of fault. `weight` is how often it comes beside the others, `aim_seconds` within which 99 of 100
    recoveries shall lie. `inject` is given the kind, and returns None when it cannot be injected just now."""

    weight: int
    inject: Callable[[str], Injection | None]
    aim_seconds: float | None = None


@dataclass(frozen=True)
class KillMoment:
    """A fault of a workload's own: at such a moment one of these processes is killed."""

    weight: int
    find_pids: Callable[[], set[int]]
    aim_seconds: float | None = None
