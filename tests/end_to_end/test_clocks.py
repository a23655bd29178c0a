"""No step waits for a clock: hosts may be apart, and their clocks may be set back and forth in mid-run."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from dev.local.faketime import NO_FAKETIME, WallClocks, find_faketime
from tests.end_to_end.person import Visit
from tests.end_to_end.product import SHORT_WAITS, Product, hold
from tests.faketime import with_own_clocks
from tests.stacks import run_stack
from tests.waiting import wait_until

PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")
HOSTS = PROCESSES[1:]
APART_SECONDS = (-60, -20, -0.01, 0.01, 20, 60)
# What one step that waits for a clock, or for the sweep to send it again, takes at least.
ALLOWED_SECONDS = 1.0
TRIES = 5
# A busy machine may need a second look; who waits for the clock to come round needs longer.
READY_SECONDS = 8


@dataclass
class Hosts:
    product: Product
    clocks: WallClocks
    usual_seconds: float = 0.0

    def wait_for_approval(self) -> Visit:
        visit = self.product.meet().is_known_with().start().asks_for_push()
        visit.wait_for("auth_waiting")
        return visit

    def are_ready(self) -> bool:
        return self.product.get("/readyz").status_code == 200

    def complete(self, visit: Visit) -> float:
        """Seconds from the approval to `completed`."""
        approved_at = time.monotonic()
        visit.approves().wait_for("completed")
        return time.monotonic() - approved_at

    def is_late_each_time(self, host: str, apart: float) -> bool:
        """Later than the same with equal clocks right before. A busy machine makes now this one late, now the other;
        who waits for a clock is late each time."""
        for _ in range(TRIES):
            self.clocks.set(host, 0)
            equal_seconds = self.complete(self.wait_for_approval())
            waiting = self.wait_for_approval()
            self.clocks.set(host, apart)
            if self.complete(waiting) <= equal_seconds + ALLOWED_SECONDS:
                return False
        return True


@pytest.fixture(scope="module")
def hosts(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    library = find_faketime()
    if library is None:
        pytest.fail(NO_FAKETIME) if os.environ.get("CI") else pytest.skip(NO_FAKETIME)
    clocks = WallClocks(library, tmp_path_factory.mktemp("clocks"))
    settings = SHORT_WAITS | {"WELNO_POLL_INTERVAL_SECONDS": "0.1", "WELNO_POLL_SLOW_MAX_SECONDS": "0.1"}
    with (
        run_stack(migrated_home, settings, PROCESSES, lambda known: with_own_clocks(known, clocks)) as stack,
        hold(stack) as product,
    ):
        equal = Hosts(product, clocks)
        equal.usual_seconds = median(equal.complete(equal.wait_for_approval()) for _ in range(3))
        yield equal


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_whose_clock_is_set_delays_nothing_and_all_is_ready(hosts: Hosts, host: str):
    waiting = hosts.wait_for_approval()
    for apart in (*APART_SECONDS, 0):
        hosts.clocks.set(host, apart)  # between the push and the approval
        late = hosts.complete(waiting) > hosts.usual_seconds + ALLOWED_SECONDS
        assert not late or not hosts.is_late_each_time(host, apart), f"{host} {apart:+} s"
        try:
            wait_until(hosts.are_ready, READY_SECONDS)
        except AssertionError as exc:
            raise AssertionError(f"{host} {apart:+} s: {hosts.product.get('/readyz').text}") from exc
        waiting = hosts.wait_for_approval()  # starts, and asks for its push, with this clock
    waiting.cancel()
