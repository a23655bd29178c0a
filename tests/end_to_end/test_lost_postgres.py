"""PostgreSQL's primary is killed while people collect; its replica is promoted, and nothing else is touched."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product, run_product
from tests.integration.commands import run_command
from tests.postgres_pair import PostgresPair, replicated
from tests.stacks import start_with
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(400)
OURS = ("web", "worker", "poller", "sweeper")


@pytest.fixture
def product(migrated_home: Path) -> Iterator[Product]:
    with run_product(migrated_home, ("sandbox",)) as begun:
        yield begun


@pytest.fixture
def pair(product: Product) -> Iterator[PostgresPair]:
    """With the product's processes on both, by an address that names both."""
    stack = product.stack
    with replicated(stack.postgres) as pair:
        pair.be_synchronous()
        start_with(stack, OURS, DATABASE_URL=pair.url)
        stack.wait_ready()
        yield pair
        for name in OURS:
            stack.kill(name)


def is_ready(product: Product) -> bool:
    return product.get("/readyz").status_code == 200


def word_of_postgres(product: Product) -> str:
    return str(product.get("/readyz").json()["parts"]["postgresql"])


def poll(visit: Visit, place: dict[str, Any]) -> dict[str, Any]:
    asked = {"after_seq": place["seq"], "epoch": place["epoch"]}
    answer: dict[str, Any] = visit.browser.get(f"{visit.path}/messages", params=asked).json()
    return answer


def test_collections_go_on_at_the_promoted_replica_and_no_process_is_restarted(product: Product, pair: PostgresPair):
    visits = [product.meet().is_known_with().start().asks_for_push() for _ in range(4)]
    for visit in visits:
        visit.wait_for("auth_waiting")
    places = [visit.events()[-1] for visit in visits]
    pids = [product.stack.pid(name) for name in OURS]
    product.stack.kill("postgres")
    for visit in visits:
        visit.approves()
    wait_until(lambda: word_of_postgres(product) == "unreachable")
    wait_until(lambda: not pair.replica.ask("select count(*) from pg_stat_wal_receiver"))
    promoted = run_command("tasks.failover", "promote", env={"DATABASE_URL": pair.url})
    assert promoted.status == 0, promoted.errors
    wait_until(lambda: is_ready(product), 60)
    for visit, place in zip(visits, places, strict=True):
        visit.wait_for("completed", 90)
        assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
        events = visit.events()
        assert [event["seq"] for event in events] == [*range(1, len(events) + 1)]
        assert poll(visit, place)["resync"]
        assert not poll(visit, events[-1]).get("resync")
    product.meet().is_known_with().collects()
    assert [product.stack.pid(name) for name in OURS] == pids
    assert all(product.stack.is_running(name) for name in OURS)


def test_while_commits_wait_for_a_standby_that_is_away_nobody_is_ready(product: Product, pair: PostgresPair):
    assert is_ready(product)
    pair.primary.set("synchronous_standby_names", "nobody")
    wait_until(lambda: word_of_postgres(product) == "no answer", 20)
    pair.primary.set("synchronous_standby_names", "")
    wait_until(lambda: is_ready(product), 40)
    product.meet().is_known_with().collects()
