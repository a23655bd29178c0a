"""Every action on a bucket is cut before each of its calls, refused at each, and loses the answer of each."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from core.clock import Clock
from spool import SpoolError
from tests.integration.spool.actions import ACTIONS, Action, without_stamps
from tests.integration.spool.bucket_fixtures import bucket, bucket_url
from tests.integration.spool.buckets import Bucket, CrashingClient, LostReplyClient, RefusedClient, WatchedClient
from tests.integration.spool.conftest import NOW
from tests.integration.spool.disks import Crash

__all__ = ["bucket", "bucket_url"]
Cut = Callable[[Any, int], WatchedClient]
CUTS: dict[str, Cut] = {
    "death": CrashingClient,
    "refusal": lambda client, at: RefusedClient(client, at, "InternalError", 500),
    "outage": lambda client, at: RefusedClient(client, at, "ServiceUnavailable", 503, lasting=True),
    "lost reply": LostReplyClient,
}


def _below(bucket: Bucket, name: str) -> Bucket:
    return Bucket(bucket.address.endpoint_url, f"{bucket.address.prefix}-{name}")


def _uncut(bucket: Bucket, clock: Clock, action: Action) -> tuple[list[str], int]:
    """The files that the whole action ends with, and the number of its calls."""
    action.prepare(bucket.spool(clock))
    counting = WatchedClient(bucket.client)
    action.act(bucket.spool(clock, counting))
    return bucket.files(), len(counting.made)


def _check_after_cut(bucket: Bucket, clock: Clock, action: Action, wanted: list[str]) -> None:
    """A moment later, when the leases of the dead are over, the action is done again."""
    bucket.expire_leases()
    bucket.read_every_file(bucket.spool(clock))
    assert len(bucket.files()) >= action.at_least
    with Clock().frozen(NOW + timedelta(seconds=1)) as later:
        action.act(bucket.spool(later))
    assert without_stamps(bucket.files()) == without_stamps(wanted)
    bucket.read_every_file(bucket.spool(clock))
    with Clock().frozen(NOW + timedelta(days=3650)) as much_later:
        bucket.spool(much_later).sweep_temporary()
    assert bucket.temporaries() == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_an_action_that_is_cut_at_any_call_loses_nothing(bucket: Bucket, clock: Clock, action: Action, cut: Cut):
    wanted, calls = _uncut(_below(bucket, "uncut"), clock, action)
    for at in range(1, calls + 1):
        here = _below(bucket, str(at))
        action.prepare(here.spool(clock))
        with suppress(Crash, SpoolError):
            action.act(here.spool(clock, cut(here.client, at)))
        _check_after_cut(here, clock, action, wanted)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["claim and fail", "fail by name", "park"])
def test_nothing_is_ever_failed_without_a_reason(bucket: Bucket, clock: Clock, name: str):
    action = ACTIONS[name]
    _, calls = _uncut(_below(bucket, "uncut"), clock, action)
    for at in range(1, calls + 1):
        here = _below(bucket, str(at))
        action.prepare(here.spool(clock))
        with suppress(Crash):
            action.act(here.spool(clock, CrashingClient(here.client, at)))
        failed = [key for key in here.files() if key.startswith("failed/")]
        assert all(f"{key}.why" in here.all_keys() for key in failed)
