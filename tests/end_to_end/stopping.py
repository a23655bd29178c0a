"""What the tests of stopping need to see: how long a process takes to go, and who did which step."""

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from dev.local.stack import Stack
from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product
from tests.waiting import wait_until

IN_TIME_SECONDS = 10
log = logging.getLogger(__name__)

# The lease is an advisory lock, and its connection is named after its process.
_HOLDER = """
    select a.application_name from pg_stat_activity a join pg_locks l on l.pid = a.pid
    join welno.welno_collection_history r on r.owner_id = l.objid::bigint
    where l.locktype = 'advisory' and l.classid = 73055 and r.session_id = :id
"""


def stop(
    stack: Stack, name: str, meanwhile: Callable[[], object] = lambda: None, *, with_children: bool = False
) -> None:
    """Send SIGTERM, as an init system does (some of them to the whole group): it goes in good order and in time."""
    pid = stack.pid(name) or 0
    began, delays = time.monotonic(), [read_run_delay(pid)]
    if with_children:
        os.killpg(pid, signal.SIGTERM)
    else:
        stack.kill(name, signal.SIGTERM)
    meanwhile()

    def has_ended() -> bool:
        delays.append(max(delays[-1], read_run_delay(pid)))
        return not stack.is_running(name)

    with suppress(AssertionError):
        wait_until(has_ended, IN_TIME_SECONDS + 5)
    seconds = time.monotonic() - began
    # The promise is one of wall time, so a machine that is busy enough breaks it: then this says so.
    story = f"{name} took {seconds:.1f} s, for {delays[-1] - delays[0]:.1f} s of which it waited for a core"
    assert (stack.exit_code(name), seconds <= IN_TIME_SECONDS) == (0, True), story
    log.info(story)


def read_run_delay(pid: int) -> float:
    """For how many seconds the main thread has been ready to run and was not let; 0 where the kernel does not tell."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def steps_of(product: Product, visit: Visit) -> list[tuple[str, str, int]]:
    """Each try of each step: its outcome, and the fence of the claim under which it was made."""
    rows = product.rows(
        "select step, outcome, fence from welno.welno_collection_steps where session_id = :id order by id",
        id=visit.session_id,
    )
    return [(row["step"], row["outcome"], row["fence"]) for row in rows]


def outcomes_of(product: Product, visit: Visit) -> list[str]:
    return [outcome for _, outcome, _ in steps_of(product, visit)]


def holder_of(product: Product, visit: Visit) -> str:
    """The program that holds the run now; a worker's child counts as the worker."""
    [row] = wait_until(lambda: product.rows(_HOLDER, id=visit.session_id))
    process = psutil.Process(int(row["application_name"].split()[-1]))
    family = {process.pid, process.ppid()}
    return next(name for name in product.stack.programs if product.stack.pid(name) in family)
