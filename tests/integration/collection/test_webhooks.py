"""Messages about outcomes: which there are, for how long they are tried, which addresses are taken."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core.clock import Clock, clock
from core.names import Event, Status, Streaming, Task
from core.networks import AllowedAddresses
from dev.local.ports import pick_port
from models.webhooks import WebhookDelivery
from services.collection.events import say, say_ended, say_streaming
from services.delivery.unit_of_work import Work
from services.webhooks import sending
from services.webhooks.operators import (
    PUBLIC_ONLY,
    AddedWebhook,
    InvalidWebhookUrl,
    WebhookDisabled,
    add_webhook,
    enable,
    list_webhooks,
    remove_webhook,
    resend,
)
from services.webhooks.sending import list_due, send_message
from tests.waiting import wait_until
from tests.webhook_receiver import HERE, WebhookReceiver
from upstream.http.exchange import open_http

from .conftest import World

PAGE = Path(__file__).parents[3] / "docs" / "integration.md"


@pytest.fixture
def webhook(world: World) -> Iterator[AddedWebhook]:
    """Nobody listens there."""
    url = f"https://localhost:{pick_port()}/"
    added: AddedWebhook = world.unit(lambda work: add_webhook(work.session, world.stores.sealer, url, HERE))
    yield added
    world.unit(lambda work: remove_webhook(work.session, added.id))


def deliveries(world: World) -> list[WebhookDelivery]:
    with world.stores.sessions() as session:
        return list(session.scalars(select(WebhookDelivery)).all())


def tell_completed(work: Work, session_id: str) -> None:
    say_streaming(work, UUID(session_id), Streaming.COMPLETED, now=clock.now(), data={"patient_uuid": "nobody's"})


def test_ends_are_told_and_nothing_else(world: World, webhook: AddedWebhook):
    session_id = world.start_somebody()
    before = len(world.calls)

    def live(work: Work) -> None:
        now, key = clock.now(), UUID(session_id)
        say(work, key, Event.AUTH_WAITING, "기다려요.", now=now, status=Status.AUTH_PENDING)
        say_streaming(work, key, Streaming.HEALTH_DATA_COMPLETED, now=now, data={"count": 2})
        say(
            work, key, Event.COLLECTION_ERROR, "홍길동님", now=now, status=Status.ERROR, data={"code": "X", "name": "y"}
        )
        say(work, key, Event.AUTH_SUPERSEDED, "다른 곳에서", now=now, status=Status.ERROR, data={"code": "X"})
        say_ended(work, key, Status.EXPIRED, "끝났어요.", now=now)
        say_ended(work, key, Status.CANCELLED, "그만뒀어요.", now=now)
        tell_completed(work, session_id)

    world.unit(live)
    told = deliveries(world)
    assert sorted((one.kind, one.body.partition('"data":')[2]) for one in told) == [
        ("session.completed", f'{{"session_id":"{session_id}","status":"completed"}}}}'),
        ("session.failed", f'{{"session_id":"{session_id}","status":"error","code":"X"}}}}'),
        ("session.failed", f'{{"session_id":"{session_id}","status":"expired","code":"EXPIRED"}}}}'),
    ]
    sent = [(call.name, call.about) for call in world.calls[before:]]
    assert sorted(sent) == sorted((Task.SEND_WEBHOOK, str(one.id)) for one in told)


def test_what_is_rolled_back_is_not_told(world: World, webhook: AddedWebhook):
    session_id = world.start_somebody()

    def fail(work: Work) -> None:
        tell_completed(work, session_id)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        world.unit(fail)
    assert deliveries(world) == []


def test_without_receivers_nothing_is_written(world: World):
    session_id = world.start_somebody()
    world.unit(tell_completed, session_id)
    assert deliveries(world) == []


def test_a_receiver_that_cannot_be_reached_is_tried_for_a_day_and_one_attempt_at_a_time(
    world: World, webhook: AddedWebhook
):
    session_id = world.start_somebody()
    world.unit(tell_completed, session_id)
    [message] = deliveries(world)
    later = Clock()
    attempts: list[datetime] = []
    with open_http(0, allowed=HERE) as http, later.frozen(clock.now()):
        for _ in range(20):
            if deliveries(world)[0].ended_at is not None:
                break
            attempts.append(later.now())
            send_message(world.stores.unit_of_work, http, world.stores.sealer, later, message.id)
            [waiting] = deliveries(world)
            assert waiting.last_result == "unreachable"
            later.advance(max(waiting.due_at - later.now(), timedelta()))
    [given_up] = deliveries(world)
    assert (given_up.is_delivered, given_up.attempts) == (False, 8)
    assert timedelta(hours=24) <= attempts[-1] - attempts[0] < timedelta(hours=25)


def test_what_another_may_be_sending_is_left_alone_until_it_must_have_died(world: World, webhook: AddedWebhook):
    session_id = world.start_somebody()
    world.unit(tell_completed, session_id)
    [message] = deliveries(world)
    claimed = "update welno.welno_webhook_deliveries set claimed_until = :until, due_at = :due where id = :id"
    now = clock.now()
    world.execute(claimed, until=now + timedelta(minutes=1), due=now - timedelta(minutes=1), id=message.id)
    with open_http(0, allowed=HERE) as http, world.stores.sessions() as session:
        send_message(world.stores.unit_of_work, http, world.stores.sealer, clock, message.id)
        assert list_due(session, now, 10) == []
        assert list_due(session, now + timedelta(minutes=2), 10) == [message.id]
    assert deliveries(world)[0].attempts == 0


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookReceiver]:
    with WebhookReceiver(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture
def message(world: World, receiver: WebhookReceiver) -> Iterator[WebhookDelivery]:
    """One to the receiver, due."""
    receiver.received.clear()
    added: AddedWebhook = world.unit(lambda work: add_webhook(work.session, world.stores.sealer, receiver.url, HERE))
    world.unit(tell_completed, world.start_somebody())
    yield deliveries(world)[0]
    receiver.answers, receiver.is_dripping = [], False
    receiver.answering.set()
    world.unit(lambda work: remove_webhook(work.session, added.id))


def attempt(world: World, receiver: WebhookReceiver, message: WebhookDelivery) -> WebhookDelivery:
    with open_http(0, str(receiver.certificate), HERE) as http:
        send_message(world.stores.unit_of_work, http, world.stores.sealer, clock, message.id)
    return deliveries(world)[0]


@contextmanager
def attempting(world: World, receiver: WebhookReceiver, message: WebhookDelivery) -> Iterator[None]:
    """The receiver has it, and answers after the body of the `with`."""
    receiver.answering.clear()
    sending = threading.Thread(target=attempt, args=(world, receiver, message))
    sending.start()
    wait_until(lambda: receiver.received)
    yield
    receiver.answering.set()
    sending.join()


def test_what_is_sent_again_during_an_attempt_is_due_at_once(world: World, receiver, message):
    receiver.answers = [500]
    with attempting(world, receiver, message):
        world.unit(lambda work: resend(work.session, message.id, clock.now()))
    [row] = deliveries(world)
    assert (row.attempts, row.last_result, row.due_at <= clock.now()) == (0, None, True)
    assert attempt(world, receiver, message).is_delivered


def test_an_attempt_that_was_overtaken_says_nothing_of_the_newer_ones(world: World, receiver, message):
    receiver.answers = [500]
    delivered = """
        update welno.welno_webhook_deliveries
        set attempts = 2, claimed_until = null, last_result = '204', is_delivered = true, ended_at = now()
        where id = :id
    """
    with attempting(world, receiver, message):
        world.execute(delivered, id=message.id)
    [row] = deliveries(world)
    assert (row.last_result, row.is_delivered, row.attempts) == ("204", True, 2)


def test_a_receiver_may_take_the_seconds_that_the_page_promises(world: World, receiver, message):
    promised = re.search(r"Answer 2xx\s+within (\d+) seconds", PAGE.read_text("utf-8"))
    assert promised
    assert int(promised[1]) == sending._LIMITS.total_seconds
    with attempting(world, receiver, message):
        threading.Event().wait(int(promised[1]) - 2)  # the rest is for a busy machine
    assert deliveries(world)[0].is_delivered


def test_a_receiver_that_never_ends_its_head_is_given_up_in_time(world: World, receiver, message):
    receiver.is_dripping = True
    began = clock.monotonic()
    assert attempt(world, receiver, message).last_result == "timed_out"
    assert clock.monotonic() - began < sending._LIMITS.total_seconds + 3


def test_one_that_has_gone_is_enabled_before_it_is_told_again(world: World, receiver, message):
    receiver.answers = [410]
    assert attempt(world, receiver, message).ended_at is not None
    with pytest.raises(WebhookDisabled):
        world.unit(lambda work: resend(work.session, message.id, clock.now()))
    world.unit(lambda work: enable(work.session, message.webhook_id))
    world.unit(lambda work: resend(work.session, message.id, clock.now()))
    assert attempt(world, receiver, message).is_delivered


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "ftp://receiver.example/",
        "https://",
        "https://name:secret@receiver.example/",
        "https://receiver.example/#part",
        "https://receiver.example:0/",
        "https://receiver.example:99999/",
        "https://receiver.example/a b",
        "https://받는곳.example/",
        f"https://receiver.example/{'x' * 2000}",
    ],
)
def test_only_plain_https_addresses_are_taken(world: World, url: str):
    with pytest.raises(InvalidWebhookUrl):
        world.unit(lambda work: add_webhook(work.session, world.stores.sealer, url))
    with world.stores.sessions() as session:
        assert list_webhooks(session) == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.1.2.3",
        "192.168.0.10:8443",
        "169.254.169.254",
        "[fd00::1]",
        "[fe80::1]",
    ],
)
def test_an_address_that_leads_inside_is_not_taken(world: World, host: str):
    with pytest.raises(InvalidWebhookUrl, match=r"which is not public: .* name the network in WELNO_WEBHOOK_NETWORKS"):
        world.unit(lambda work: add_webhook(work.session, world.stores.sealer, f"https://{host}/welno"))
    with world.stores.sessions() as session:
        assert list_webhooks(session) == []


def test_a_network_that_is_named_is_taken_and_no_other(world: World):
    hospital = AllowedAddresses([ip_network("10.1.0.0/16")])

    def add(url: str) -> AddedWebhook:
        return world.unit(lambda work: add_webhook(work.session, world.stores.sealer, url, hospital))

    added = add("https://10.1.2.3/welno")
    for other in ("https://10.2.0.1/", "https://localhost/"):
        with pytest.raises(InvalidWebhookUrl):
            add(other)
    world.unit(lambda work: remove_webhook(work.session, added.id))


def test_a_host_that_leads_inside_by_now_is_not_connected_to(world: World, receiver, message):
    """As when its owner has changed where it leads to since it was added."""
    with open_http(0, str(receiver.certificate), PUBLIC_ONLY) as http:
        send_message(world.stores.unit_of_work, http, world.stores.sealer, clock, message.id)
    [row] = deliveries(world)
    assert (row.last_result, row.attempts, row.ended_at, receiver.received) == ("address_not_allowed", 1, None, [])
