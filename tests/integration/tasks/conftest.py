"""The real processes without the web: sandbox, worker, poller, sweeper, with short pauses."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dev.local.stack import Stack
from tests.integration.collection.driver import Driver
from tests.push_browser import PUSH_KEY
from tests.stacks import run_stack
from tests.webhook_receiver import WebhookReceiver
from webapp.jobs import build_task_sender

PROCESSES = ("sandbox", "worker", "poller", "sweeper")
SHORT = {
    "WELNO_POLL_INTERVAL_SECONDS": "0.1",
    "WELNO_POLL_SLOW_MAX_SECONDS": "0.3",
    "WELNO_STEP_MAX_ATTEMPTS": "3",
    "WELNO_STEP_RETRY_BASE_SECONDS": "0.05",
    "WELNO_STEP_RETRY_MAX_SECONDS": "0.1",
    "WELNO_LEASE_SECONDS": "1.5",
    "WELNO_CALL_MARGIN_SECONDS": "1",
    "WELNO_FILE_ORPHAN_SECONDS": "0.1",
    "WELNO_SWEEP_INTERVAL_SECONDS": "0.2",
    "WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS": "1.5",
    "WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS": "8",
    "WELNO_MEDIARC_TIMEOUT_SECONDS": "1.5",
}


@pytest.fixture(scope="package")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookReceiver]:
    """Trusted by the worker, and the push service that it knows."""
    with WebhookReceiver(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="package")
def running(migrated_home: Path, receiver: WebhookReceiver) -> Iterator[Stack]:
    """One for all: a session per test keeps them apart. Who kills a process starts it again."""
    ca_file = str(receiver.certificate)
    push = {
        "WELNO_PUSH_HOSTS": urlsplit(receiver.url).netloc,
        "WELNO_PUSH_KEY": PUSH_KEY,
        "WELNO_PUSH_CA_FILE": ca_file,
    }
    settings = SHORT | push | {"WELNO_WEBHOOK_CA_FILE": ca_file}
    with run_stack(migrated_home, settings, PROCESSES) as stack:
        yield stack


@pytest.fixture
def driver(running: Stack) -> Iterator[Driver]:
    with Driver(running.env, build_task_sender(running.env["CELERY_BROKER_URL"])) as driver:
        yield driver
        driver.leave()
