"""Web and sweeper behind PgBouncer in transaction mode, worker and poller beside it: people notice nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.end_to_end.following import LAST, open_socket
from tests.end_to_end.person import kind_of
from tests.end_to_end.product import Product, run_product
from tests.pgbouncer import run_pgbouncer
from tests.stacks import start_with

BEHIND = ("sweeper", "web")
# As docs/operations.md says.
FOR_THE_ROLE = ("statement_timeout = '30s'", "idle_in_transaction_session_timeout = '5s'", "timezone = 'UTC'")


@pytest.fixture
def product(migrated_home: Path, tmp_path: Path) -> Iterator[Product]:
    with run_product(migrated_home, ("sandbox", "worker", "poller")) as begun:
        stack = begun.stack
        for setting in FOR_THE_ROLE:
            begun.execute(f"alter role current_user in database welno set {setting}")
        with run_pgbouncer(tmp_path, make_url(stack.postgres.url), ignore="options") as url:
            start_with(stack, BEHIND, DATABASE_URL=url)
            stack.wait_ready()
            yield begun


def test_a_collection_behind_a_pooler_is_like_any_other(product: Product):
    people = [product.meet().is_known_with().start().asks_for_push() for _ in range(4)]
    for visit in people:
        visit.wait_for("auth_waiting")
    with open_socket(people[0], 0) as socket:
        for visit in people:
            visit.approves()
        told = []
        while not told or kind_of(told[-1]) != LAST:
            frame = json.loads(socket.recv(timeout=40))
            told += [frame] if "seq" in frame else []
    assert [event["seq"] for event in told] == [*range(1, len(told) + 1)]
    for visit in people:
        visit.wait_for("completed")
        assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    people[1].cancel()
    assert people[1].browser.get(f"{people[1].path}/status").status_code == 404
