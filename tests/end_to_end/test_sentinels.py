"""Streams, limits and broker on one Redis that Sentinels watch: its primary dies in the middle of a collection."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import TREATMENTS
from tests.end_to_end.test_lost_redis import check, following
from tests.sentinels import SentinelPair, frozen, sentinel_group
from tests.waiting import wait_until

LIVE_AGAIN_SECONDS = 5
# kombu looks every ten seconds whether an answer of Redis is overdue by ten.
WORKER_NOTICES_SECONDS = 28
PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper")


@pytest.fixture(scope="module")
def group() -> Iterator[SentinelPair]:
    with sentinel_group() as group:
        yield group


@pytest.fixture(scope="module")
def watched(group: SentinelPair, migrated_home: Path) -> Iterator[Product]:
    with run_product(migrated_home, PROCESSES, REDIS_URL=group.url, CELERY_BROKER_URL=group.url) as product:
        yield product


def is_ready(product: Product) -> bool:
    return product.get("/readyz").status_code == 200


def test_a_collection_is_read_whole_though_the_primary_dies_and_comes_back(watched: Product, group: SentinelPair):
    visit = watched.meet().is_known_with().start()
    before = group.primary
    with following(visit) as followers:
        visit.asks_for_push().wait_for("auth_waiting")
        with watched.provider.fault(TREATMENTS, calls=1, hold="before"):
            visit.approves()
            wait_until(lambda: all(len(follower.events) >= 6 for follower in followers))
            before.kill()
            group.wait_failed_over(before)
            wait_until(lambda: is_ready(watched), LIVE_AGAIN_SECONDS)
            group.bring_back(before)
    check(followers)
    assert visit.status()["status"] == "completed"
    assert group.commands_until_demoted(before) == set()


def test_the_worker_of_before_takes_what_is_sent_after_a_failover(watched: Product, group: SentinelPair):
    group.wait_whole()
    worker, before = watched.stack.pid("worker"), group.primary
    before.kill()
    group.wait_failed_over(before)
    visit = watched.meet().is_known_with().start()
    visit.asks_for_push().wait_for("auth_waiting")
    visit.approves().wait_for("completed")
    group.bring_back(before)
    assert watched.stack.pid("worker") == worker
    assert watched.stack.is_running("worker")


def test_a_primary_that_hangs_for_good_holds_nobody(watched: Product, group: SentinelPair):
    """As on a host that died: no connection of before is ever closed."""
    group.wait_whole()
    worker, before = watched.stack.pid("worker"), group.primary
    with frozen(before):
        group.wait_failed_over(before)
        wait_until(lambda: is_ready(watched), 2 * LIVE_AGAIN_SECONDS)
        visit = watched.meet().is_known_with().start()
        visit.asks_for_push().wait_for("auth_waiting", WORKER_NOTICES_SECONDS)
        visit.approves().wait_for("completed")
    assert watched.stack.pid("worker") == worker
    assert watched.stack.is_running("worker")
