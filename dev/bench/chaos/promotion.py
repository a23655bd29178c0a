"""The operator who promotes the standby of a lost primary: calls the command until it no longer refuses."""

from collections.abc import Callable

from dev.bench.chaos.host_cluster import HostCluster
from dev.bench.chaos.schedule import Schedule
from dev.local.errors import StartFailedError

# The standby takes a silent primary for alive for a minute (wal_receiver_timeout); until then the command refuses.
_AGAIN_SECONDS, _LOOK_SECONDS, _MOST_TRIES = 3.0, 0.2, 60


class Promotion:
    def __init__(self, cluster: HostCluster, schedule: Schedule) -> None:
        self._command = cluster.make_promotion()
        self._schedule = schedule

    def promote(self, then: Callable[[], None], tries: int = 1) -> None:
        """Other faults go on meanwhile. Raises StartFailedError, later, when it refuses for good."""
        self._command.start()

        def look() -> None:
            if self._command.is_running:
                self._schedule.after(_LOOK_SECONDS, look)
            elif self._command.exit_code == 0:
                then()
            elif tries < _MOST_TRIES:
                self._schedule.after(_AGAIN_SECONDS, lambda: self.promote(then, tries + 1))
            else:
                raise StartFailedError(f"nobody was promoted\n{self._command.log_tail()}")

        self._schedule.after(_LOOK_SECONDS, look)
