"""The whole product with its files in a bucket, which goes away and comes back."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import CHECKUPS, LOGIN_CHECK, TREATMENTS
from tests.integration.spool.actions import files_in
from tests.integration.spool.bucket_fixtures import bucket_url
from tests.integration.spool.buckets import BUCKET, KEYS, Bucket
from tests.waiting import wait_until

__all__ = ["bucket_url"]
_PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")


class Store:
    """An S3 whose objects outlive its server: they are this process' own."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()

    def stop(self) -> None:
        self._server.stop()

    @contextmanager
    def stands_still(self) -> Iterator[None]:
        """Connections are let in, and nothing is ever answered."""
        self.stop()
        with socket.create_server(("127.0.0.1", self.port)):
            yield
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def store(bucket_url: str) -> Iterator[Store]:
    assert bucket_url  # it has made the bucket
    store = Store()
    yield store
    store.stop()


@pytest.fixture
def product(migrated_home: Path, store: Store) -> Iterator[Product]:
    where = {"TILKO_DATA_URL": f"s3://{BUCKET}/product", "TILKO_DATA_ENDPOINT": store.url}
    with run_product(migrated_home, _PROCESSES, TILKO_DATA_TIMEOUT_SECONDS="1", **where, **KEYS) as product:
        yield product


@pytest.fixture
def moving(migrated_home: Path, store: Store) -> Iterator[Product]:
    """Its files lie in a folder as yet."""
    where = {"TILKO_DATA_URL": f"s3://{BUCKET}/moved", "TILKO_DATA_ENDPOINT": store.url, "TILKO_DATA_MOVING": "true"}
    with run_product(migrated_home, _PROCESSES, **where, **KEYS) as product:
        yield product


def test_collections_go_on_while_a_folder_is_moved_into_a_bucket(moving: Product, store: Store):
    before, waiting = (moving.meet().is_known_with().start().asks_for_push() for _ in range(2))
    before.approves()
    before.wait_for("completed", timeout=60)
    waiting.wait_for("auth_waiting")
    moving.stack.run((sys.executable, "-m", "tasks.move_files"), "move_files")
    waiting.approves()
    bucket = Bucket(store.url, "moved")
    wait_until(lambda: len([key for key in bucket.files() if key.startswith("completed/")]) == 6, timeout=120, every=1)
    waiting.wait_for("completed")
    for visit in (before, waiting):
        assert moving.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    assert files_in(moving.spool) == []


def test_a_poller_lets_sessions_go_while_it_looks_into_a_bucket_that_stands_still(migrated_home: Path, store: Store):
    where = {"TILKO_DATA_URL": f"s3://{BUCKET}/still", "TILKO_DATA_ENDPOINT": store.url}
    with run_product(migrated_home, _PROCESSES, TILKO_DATA_TIMEOUT_SECONDS="10", **where, **KEYS) as product:
        before = product.meet().is_known_with().start().asks_for_push()
        wait_until(lambda: product.provider.count_calls(LOGIN_CHECK, before.cx_id))
        with store.stands_still():
            after = product.meet().is_known_with().start().asks_for_push()
            wait_until(lambda: _owner(product, after) is not None)
            # Of the one that is polled, and of the one whose answer is looked for.
            for visit in (before, after):
                assert visit.cancel().status_code == 204
                wait_until(lambda visit=visit: _owner(product, visit) is None, timeout=8)


def _owner(product: Product, visit: Visit) -> int | None:
    asked = {"session_id": visit.session_id}
    [row] = product.rows("select owner_id from welno.welno_collection_history where session_id = :session_id", **asked)
    return row["owner_id"]


def test_a_collection_goes_through_a_bucket_that_was_away_and_buys_nothing_twice(product: Product, store: Store):
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.wait_for("auth_waiting")
    # Before, its poller could not tell whether another has paid for the answer already, and would wait for the store.
    wait_until(lambda: product.provider.count_calls(LOGIN_CHECK, visit.cx_id))
    store.stop()
    wait_until(lambda: product.get("/readyz").status_code == 503)
    visit.approves()
    visit.wait_for("auth_completed")
    wait_until(lambda: "unreachable" in (product.logs / "worker.log").read_text())
    assert [product.provider.count_calls(path, visit.cx_id) for path in (CHECKUPS, TREATMENTS)] == [0, 0]
    store.start()
    visit.wait_for("completed", timeout=60)
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    bucket = Bucket(store.url, "product")
    wait_until(lambda: len([key for key in bucket.files() if key.startswith("completed/")]) == 3)
    assert not [path for path in product.spool.rglob("*") if path.is_file()]
    assert product.rows("select 1 from welno.welno_checkup_data")
