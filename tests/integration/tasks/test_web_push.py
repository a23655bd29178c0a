"""Web push as a real worker sends it: after the commit, and by the sweep what was lost."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from core.names import Task
from dev.local.stack import Stack
from models.accounts import Scope
from models.journey import JourneyRole, Notification, NotificationKind, QueueEntry
from services.accounts.logins import open_login
from services.journey.actors import JourneyActor
from services.journey.calling import call_by_id
from services.journey.simple_login import LOGIN_KIND
from services.journey.web_push.subscriptions import make_target
from tests.integration.collection.driver import Driver
from tests.integration.services.journey.hospital import Hospital
from tests.integration.tasks.test_housekeeping import send
from tests.push_browser import PushBrowser
from tests.waiting import wait_until
from tests.webhook_receiver import WebhookReceiver


@pytest.fixture
def push_service(receiver: WebhookReceiver) -> Iterator[WebhookReceiver]:
    receiver.received.clear()
    yield receiver
    receiver.answers.clear()
    receiver.received.clear()


@pytest.fixture
def waiting(driver: Driver) -> QueueEntry:
    """Of somebody in a line of their own."""
    here = driver.stores
    with here.unit_of_work() as work:
        hospital = Hospital(work.session, now=here.clock.now())
        today = here.clock.now().astimezone(here.settings.journey.time_zone).date()
        return hospital.entry(hospital.exam(f"EX-{uuid4().hex[:8].upper()}"), service_date=today)


@pytest.fixture
def browser(driver: Driver, push_service: WebhookReceiver, waiting: QueueEntry) -> PushBrowser:
    """Of the one who waits."""
    subscribed = PushBrowser(push_service.url)
    target = make_target(subscribed.endpoint, subscribed.public_key, subscribed.auth)
    with driver.stores.unit_of_work() as work:
        sid = open_login(work.session, LOGIN_KIND, waiting.user_id, Scope.JOURNEY, refresh_id="r")
        driver.stores.web_push.keep(work.session, sid, waiting.user_id, target)
    return subscribed


def kinds(browser: PushBrowser, push_service: WebhookReceiver) -> list[str]:
    return [browser.read(one.body)["kind"] for one in push_service.received]


def test_who_is_called_is_told_at_once(
    running: Stack, driver: Driver, waiting: QueueEntry, browser: PushBrowser, push_service: WebhookReceiver
):
    with driver.stores.unit_of_work() as work:
        chief = JourneyActor(JourneyRole.ADMIN, Hospital(work.session).staff().account_id, uuid4())
    driver.stores.journeys.run(lambda journey: call_by_id(journey, waiting.queue_id, chief))
    wait_until(lambda: push_service.received)
    assert kinds(browser, push_service) == ["patient_called"]
    log = running.home / "logs" / "worker.log"
    wait_until(lambda: "web_push_attempted" in log.read_text())
    assert browser.endpoint not in log.read_text()


def note_untold(driver: Driver, user_id: UUID) -> None:
    """As if the task of its change had been lost."""
    with driver.stores.unit_of_work() as work:
        work.session.add(Notification(user_id=user_id, kind=NotificationKind.CANCELLED, body="예약이 취소됐어요."))


def test_what_was_lost_or_refused_is_sent_by_the_sweep(
    running: Stack, driver: Driver, waiting: QueueEntry, browser: PushBrowser, push_service: WebhookReceiver
):
    push_service.answers.append(503)
    note_untold(driver, waiting.user_id)
    send(running, Task.SWEEP_WEB_PUSH)
    wait_until(lambda: len(push_service.received) == 1)
    tried = "select count(*) from welno.web_push_subscriptions where user_id = :id and last_result = '503'"
    wait_until(lambda: driver.value(tried, id=waiting.user_id) == 1)
    driver.execute(
        "update welno.web_push_subscriptions set claimed_until = now() where user_id = :id", id=waiting.user_id
    )
    send(running, Task.SWEEP_WEB_PUSH)
    wait_until(lambda: len(push_service.received) == 2)
    send(running, Task.SWEEP_WEB_PUSH)
    assert kinds(browser, push_service) == ["cancelled"] * 2
