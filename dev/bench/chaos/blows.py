"""The kinds of blows, how often each falls, and what is written down of one."""

from dataclasses import dataclass, field
from enum import StrEnum

from dev.bench.chaos.town import Visit


class Kind(StrEnum):
    WORKER_CHILD = "worker_child_killed"
    WORKER = "worker_killed"
    WORKER_ALONE = "worker_parent_killed"
    WEB = "web_killed"
    WEB_CHILD = "web_child_killed"
    BEAT = "beat_killed"
    POLLER = "poller_killed"
    SWEEPERS = "sweepers_and_a_child_killed"
    FLUSH = "redis_flushed"
    REDIS_KEPT = "redis_killed_data_kept"
    REDIS_LOST = "redis_killed_data_lost"
    POSTGRES_STOPPED = "postgres_stopped_at_once"
    POSTGRES_KILLED = "postgres_killed"
    CUT_POSTGRES = "network_to_postgres_cut"
    CUT_REDIS = "network_to_redis_cut"
    STALL_POSTGRES = "network_to_postgres_stalled"
    STALL_REDIS = "network_to_redis_stalled"
    HANG_WORKER = "worker_hangs"
    HANG_CHILD = "worker_child_hangs"
    HANG_POLLER = "poller_hangs"


WEIGHTS: dict[Kind, int] = {
    Kind.WORKER_CHILD: 24,
    Kind.WORKER: 8,
    Kind.WORKER_ALONE: 3,
    Kind.WEB: 3,
    Kind.WEB_CHILD: 4,
    Kind.BEAT: 2,
    Kind.POLLER: 6,
    Kind.SWEEPERS: 4,
    Kind.FLUSH: 10,
    Kind.REDIS_KEPT: 6,
    Kind.REDIS_LOST: 6,
    Kind.POSTGRES_STOPPED: 5,
    Kind.POSTGRES_KILLED: 2,
    Kind.CUT_POSTGRES: 5,
    Kind.CUT_REDIS: 5,
    Kind.STALL_POSTGRES: 3,
    Kind.STALL_REDIS: 3,
    Kind.HANG_WORKER: 4,
    Kind.HANG_CHILD: 4,
    Kind.HANG_POLLER: 2,
}


@dataclass
class Blow:
    """One blow. `pids` lost what they held at `at`; `over_at` is when its cause was taken away again."""

    kind: Kind
    at: float
    target: str
    pids: frozenset[int] = frozenset()
    over_at: float | None = None
    probe: Visit | None = None
    samples: list[float] = field(default_factory=list)

    @property
    def measured_from(self) -> float:
        """What was killed or hangs is missed at once; a store is only expected back when it is there again."""
        return self.at if self.pids or self.over_at is None else self.over_at
