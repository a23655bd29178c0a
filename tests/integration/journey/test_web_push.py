"""What a browser whose page is closed is told: when, through whom, and by whom it can be read."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import urlsplit
from uuid import UUID

import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import ec
from http_ece import ECEException

from core.allowed_hosts import AllowedHosts
from core.base64url import decode_bytes, encode_bytes
from core.clock import Clock
from core.derived_keys import MasterKey
from core.names import Task
from core.networks import AllowedAddresses
from core.sealing import Sealer
from core.settings import Settings
from dev.local.ports import pick_port
from models.accounts import Login, RevokedWhy, Scope
from models.journey import JourneyState, Notification, NotificationKind, WebPushSubscription
from services.accounts.logins import LoginEnded, end_login, open_login
from services.delivery.unit_of_work import TaskCall
from services.journey.calling import undo_call
from services.journey.notifications import list_notifications, read_notification
from services.journey.simple_login import LOGIN_KIND
from services.journey.web_push.messages import PushKey
from services.journey.web_push.sending import WebPushSender, forget_ended, list_due
from services.journey.web_push.subscriptions import PushTarget, WebPushSubscriptions, make_target
from services.stores import build_stores
from tests.concurrency import at_once
from tests.integration.journey.ward import MORNING, Patient, Ward
from tests.push_browser import PUSH_KEY, PushBrowser
from tests.tables import delete_all_rows
from tests.webhook_receiver import HERE, WebhookReceiver
from upstream.http.exchange import open_http

CONTACT = "mailto:privacy@welno.example"


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookReceiver]:
    with WebhookReceiver(tmp_path_factory.mktemp("push_service")) as service:
        yield service


@dataclass
class PushWard:
    """A ward whose patients' browsers subscribe at a push service of its own."""

    ward: Ward
    service: WebhookReceiver
    sender: WebPushSender
    calls: list[TaskCall] = field(default_factory=list)

    def patient_with_browser(self, browser: PushBrowser) -> Patient:
        patient = self.ward.patient("EX-BLOOD")
        self.subscribe(patient, browser)
        return patient

    def subscribe(self, patient: Patient, browser: PushBrowser) -> None:
        with self.ward.stores.unit_of_work() as work:
            patient.sid = open_login(work.session, LOGIN_KIND, patient.user_id, Scope.JOURNEY, refresh_id="r")
            self.keep(work.session, patient, browser)

    def keep(self, session, patient: Patient, browser: PushBrowser) -> None:
        target = make_target(browser.endpoint, browser.public_key, browser.auth)
        self.ward.stores.web_push.keep(session, patient.sid, patient.user_id, target)

    def browser(self, name: str = "one") -> PushBrowser:
        return PushBrowser(f"{self.service.url}/{name}")

    def read(self, browser: PushBrowser) -> list[str]:
        """The kinds that the push service holds, all of which must be this browser's."""
        return [browser.read(one.body)["kind"] for one in self.service.received]

    def due(self) -> list[UUID]:
        with self.ward.stores.sessions() as session:
            return list(list_due(session, self.sender.subscriptions.key_id, self.ward.clock.now(), 10))

    def subscriptions(self) -> list[tuple[UUID, str | None]]:
        return [
            (row.user_id, row.last_result)
            for row in self.ward.rows("select user_id, last_result from welno.web_push_subscriptions")
        ]


@pytest.fixture
def push_ward(
    demo_env: dict[str, str], ward_url: str, redis_client: redis.Redis, push_service: WebhookReceiver
) -> Iterator[PushWard]:
    push_service.received.clear()
    push_service.answers.clear()
    host = urlsplit(push_service.url).netloc
    env = {"DATABASE_URL": ward_url, "WELNO_PUSH_HOSTS": host, "WELNO_PUSH_KEY": PUSH_KEY}
    clock, calls = Clock(), []
    ward = Ward(build_stores(Settings.read(demo_env | env), clock, calls.append), clock)
    with clock.frozen(MORNING), open_http(0, str(push_service.certificate), HERE) as http:
        ward.furnish()
        hosts = ward.stores.settings.journey.push_hosts
        yield PushWard(
            ward,
            push_service,
            WebPushSender(
                ward.stores.unit_of_work, http, ward.stores.web_push, hosts, PushKey(PUSH_KEY), CONTACT, clock
            ),
            calls,
        )
    with ward.stores.engine.begin() as connection:
        delete_all_rows(connection)
    ward.stores.close()


def test_a_call_reaches_the_browser_and_nobody_else_can_read_it(push_ward: PushWard):
    browser = push_ward.browser()
    patient = push_ward.patient_with_browser(browser).comes(JourneyState.CALLED)
    assert (Task.SEND_WEB_PUSH, str(patient.user_id)) in [(call.name, call.about) for call in push_ward.calls]
    push_ward.sender.tell(patient.user_id)
    [received] = push_ward.service.received
    told = browser.read(received.body)
    [notification] = push_ward.ward.stores.journeys.read(lambda one: list_notifications(one, patient.user_id))
    said = {"kind": "patient_called", "body": "진료 순서가 되었어요."}
    assert told == {"id": notification.id, "queue_id": patient.queue["queue_id"]} | said
    with pytest.raises(ECEException):
        push_ward.browser().read(received.body)
    push_ward.sender.tell(patient.user_id)
    assert len(push_ward.service.received) == 1


def topic_of(queue_id: str) -> str:
    return encode_bytes(hashlib.sha256(b"web_push_topic\x1f" + UUID(queue_id).bytes).digest()[:18])


def test_a_message_is_signed_for_its_push_service_and_replaces_the_one_before(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    push_ward.ward.advance(minutes=2)
    push_ward.sender.tell(patient.user_id)
    [received] = push_ward.service.received
    headers = received.headers
    assert {name: headers[name] for name in ("content-encoding", "urgency", "topic", "ttl")} == {
        "content-encoding": "aes128gcm",
        "urgency": "high",
        "topic": topic_of(patient.queue["queue_id"]),
        "ttl": "480",
    }
    token, key = (part.split("=", 1)[1] for part in headers["authorization"].removeprefix("vapid ").split(", "))
    assert key == PushKey(PUSH_KEY).public_key
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode_bytes(key, 65))
    origin = "https://" + urlsplit(push_ward.service.url).netloc
    claims = jwt.decode(token, public, ["ES256"], audience=origin, options={"verify_exp": False})
    now = push_ward.ward.clock.now().timestamp()
    assert claims == {"aud": origin, "sub": CONTACT, "exp": int(now) + 12 * 3600}


def test_all_messages_are_of_one_length(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    push_ward.sender.tell(patient.user_id)
    push_ward.ward.run(undo_call, UUID(patient.queue["queue_id"]), push_ward.ward.desk)
    push_ward.sender.tell(patient.user_id)
    called, withdrawn = push_ward.service.received
    assert called.body != withdrawn.body
    assert len(called.body) == len(withdrawn.body)


def test_only_the_newest_is_told(push_ward: PushWard):
    browser = push_ward.browser()
    patient = push_ward.patient_with_browser(browser).comes(JourneyState.CALLED)
    push_ward.ward.run(undo_call, UUID(patient.queue["queue_id"]), push_ward.ward.desk)
    push_ward.sender.tell(patient.user_id)
    assert push_ward.read(browser) == ["call_withdrawn"]


def test_what_was_told_before_the_browser_subscribed_is_not_told(push_ward: PushWard):
    browser = push_ward.browser()
    patient = push_ward.ward.patient("EX-BLOOD").comes(JourneyState.CALLED)
    push_ward.subscribe(patient, browser)
    assert push_ward.due() == []
    push_ward.sender.tell(patient.user_id)
    assert push_ward.service.received == []


def test_who_has_read_it_is_not_told(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    [told] = push_ward.ward.stores.journeys.read(lambda one: list_notifications(one, patient.user_id))
    push_ward.ward.run(read_notification, patient.user_id, told.id)
    push_ward.sender.tell(patient.user_id)
    assert push_ward.service.received == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_has_ended_is_forgotten(push_ward: PushWard, status: int):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    push_ward.service.answers.append(status)
    push_ward.sender.tell(patient.user_id)
    assert push_ward.subscriptions() == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_push_service_that_is_busy_is_asked_again_in_half_a_minute(push_ward: PushWard, status: int):
    browser = push_ward.browser()
    patient = push_ward.patient_with_browser(browser).comes(JourneyState.CALLED)
    push_ward.service.answers.append(status)
    push_ward.sender.tell(patient.user_id)
    assert (push_ward.subscriptions(), push_ward.due()) == ([(patient.user_id, str(status))], [])
    push_ward.ward.advance(seconds=31)
    assert push_ward.due() == [patient.user_id]
    push_ward.sender.tell(patient.user_id)
    assert push_ward.read(browser) == ["patient_called"] * 2
    assert (push_ward.subscriptions(), push_ward.due()) == ([(patient.user_id, "204")], [])


def test_after_ten_minutes_it_is_given_up(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    push_ward.ward.advance(minutes=10, seconds=1)
    assert push_ward.due() == []
    push_ward.sender.tell(patient.user_id)
    assert push_ward.service.received == []


def test_a_push_service_that_is_away_is_tried_again(push_ward: PushWard):
    away = PushBrowser(f"https://localhost:{pick_port()}/")
    patient = push_ward.patient_with_browser(away).comes(JourneyState.CALLED)
    elsewhere = AllowedHosts(frozenset({urlsplit(away.endpoint).netloc}))
    replace(push_ward.sender, hosts=elsewhere).tell(patient.user_id)
    push_ward.ward.advance(seconds=31)
    assert (push_ward.subscriptions(), push_ward.due()) == ([(patient.user_id, "unreachable")], [patient.user_id])


def test_a_refusal_is_not_repeated_and_does_not_keep_the_next_message_back(push_ward: PushWard):
    browser = push_ward.browser()
    patient = push_ward.patient_with_browser(browser).comes(JourneyState.CALLED)
    push_ward.service.answers.append(403)
    push_ward.sender.tell(patient.user_id)
    push_ward.ward.advance(minutes=1)
    assert (push_ward.subscriptions(), push_ward.due()) == ([(patient.user_id, "403")], [])
    push_ward.ward.run(undo_call, UUID(patient.queue["queue_id"]), push_ward.ward.desk)
    push_ward.sender.tell(patient.user_id)
    assert push_ward.read(browser) == ["patient_called", "call_withdrawn"]


def test_a_host_that_is_not_listed_any_more_is_not_called(push_ward: PushWard):
    patient = push_ward.patient_with_browser(PushBrowser("https://push.example/one")).comes(JourneyState.CALLED)
    push_ward.sender.tell(patient.user_id)
    assert (push_ward.subscriptions(), push_ward.service.received) == ([], [])


def test_a_listed_host_that_leads_inside_is_not_called(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    nowhere = AllowedAddresses([ip_network("192.0.2.0/24")])
    with open_http(0, str(push_ward.service.certificate), nowhere) as http:
        replace(push_ward.sender, http=http).tell(patient.user_id)
    assert push_ward.service.received == []
    assert push_ward.subscriptions() == [(patient.user_id, "address_not_allowed")]


def test_a_login_that_has_ended_is_told_nothing_and_its_browser_is_forgotten(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    with push_ward.ward.stores.unit_of_work() as work:
        end_login(work, patient.sid, RevokedWhy.SIGNED_OUT)
    assert push_ward.due() == []
    push_ward.sender.tell(patient.user_id)
    assert push_ward.service.received == []
    with push_ward.ward.stores.unit_of_work() as work:
        forget_ended(work.session)
    assert push_ward.subscriptions() == []
    with pytest.raises(LoginEnded), push_ward.ward.stores.unit_of_work() as work:
        push_ward.keep(work.session, patient, push_ward.browser())


def test_a_browser_that_somebody_else_signs_in_at_tells_the_one_before_nothing(push_ward: PushWard):
    browser = push_ward.browser()
    before = push_ward.patient_with_browser(browser)
    after = push_ward.patient_with_browser(browser)
    before.comes(JourneyState.CALLED)
    push_ward.sender.tell(before.user_id)
    assert (push_ward.service.received, push_ward.subscriptions()) == ([], [(after.user_id, None)])


def test_a_renewed_subscription_takes_the_place_of_the_one_before(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser())
    renewed = push_ward.browser("two")
    with push_ward.ward.stores.unit_of_work() as work:
        push_ward.keep(work.session, patient, renewed)
    patient.comes(JourneyState.CALLED)
    push_ward.sender.tell(patient.user_id)
    assert push_ward.read(renewed) == ["patient_called"]


def test_each_browser_of_a_person_is_told_once_by_many_at_once(push_ward: PushWard):
    first, second = push_ward.browser("first"), push_ward.browser("second")
    patient = push_ward.patient_with_browser(first)
    push_ward.subscribe(patient, second)
    patient.comes(JourneyState.CALLED)
    at_once(*[lambda: push_ward.sender.tell(patient.user_id)] * 8)
    assert len(push_ward.service.received) == 2
    assert len(push_ward.subscriptions()) == 2


def test_a_call_that_is_over_is_not_told(push_ward: PushWard):
    """A no-show writes no notification of its own; its person is back in the line, and the call closed."""
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    push_ward.service.answers.append(503)
    push_ward.sender.tell(patient.user_id)
    push_ward.ward.advance(seconds=31)
    patient.act("mark_no_show", {}, by=push_ward.ward.desk)
    assert push_ward.due() == []
    push_ward.sender.tell(patient.user_id)
    assert len(push_ward.service.received) == 1


def test_an_open_call_comes_before_what_is_newer_of_another_line(push_ward: PushWard):
    browser = push_ward.browser()
    patient = push_ward.patient_with_browser(browser).comes(JourneyState.CALLED)
    with push_ward.ward.stores.unit_of_work() as work:
        work.session.add(
            Notification(user_id=patient.user_id, kind=NotificationKind.CANCELLED, body="대기가 취소됐어요.")
        )
    push_ward.sender.tell(patient.user_id)
    assert push_ward.read(browser) == ["patient_called", "cancelled"]
    topics = [one.headers["topic"] for one in push_ward.service.received]
    assert len(set(topics)) == 2


def test_a_key_that_this_process_has_not_loses_no_call(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    other = WebPushSubscriptions(
        Sealer({"other": MasterKey(range(32))}), "p" * 32, push_ward.sender.subscriptions.key_id
    )
    replace(push_ward.sender, subscriptions=other).tell(patient.user_id)
    push_ward.ward.advance(seconds=31)
    assert (push_ward.subscriptions(), push_ward.due()) == ([(patient.user_id, "unreadable")], [patient.user_id])


def test_a_browser_that_cannot_be_written_to_keeps_no_other_waiting(push_ward: PushWard):
    """Its row is of another release, or was damaged: its keys are none."""
    broken, whole = push_ward.browser("broken"), push_ward.browser("whole")
    patient = push_ward.patient_with_browser(broken)
    seals = push_ward.ward.stores.web_push
    [row] = push_ward.ward.rows("select endpoint_hash from welno.web_push_subscriptions")
    sealed = seals._seal(PushTarget(broken.endpoint, "AA", "AA"), row.endpoint_hash)
    with push_ward.ward.stores.unit_of_work() as work:
        work.session.get_one(WebPushSubscription, row.endpoint_hash).sealed = sealed
    push_ward.subscribe(patient, whole)
    patient.comes(JourneyState.CALLED)
    push_ward.sender.tell(patient.user_id)
    assert push_ward.read(whole) == ["patient_called"]
    assert {result for _, result in push_ward.subscriptions()} == {"malformed", "204"}


def test_with_another_key_of_the_server_nothing_is_sent_until_the_browser_subscribes_anew(push_ward: PushWard):
    browser = push_ward.browser()
    patient = push_ward.patient_with_browser(browser).comes(JourneyState.CALLED)
    stores, renewed = push_ward.ward.stores, PushKey("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    subscriptions = WebPushSubscriptions(stores.sealer, stores.settings.secrets.pseudonym_key, renewed.id)
    sender = replace(push_ward.sender, key=renewed, subscriptions=subscriptions)
    sender.tell(patient.user_id)
    with stores.unit_of_work() as work:
        assert not subscriptions.is_kept(work.session, patient.sid)
        target = make_target(browser.endpoint, browser.public_key, browser.auth)
        subscriptions.keep(work.session, patient.sid, patient.user_id, target)
    push_ward.ward.run(undo_call, UUID(patient.queue["queue_id"]), push_ward.ward.desk)
    sender.tell(patient.user_id)
    assert push_ward.read(browser) == ["call_withdrawn"]


def test_a_login_that_ran_out_is_told_nothing(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser()).comes(JourneyState.CALLED)
    with push_ward.ward.stores.unit_of_work() as work:
        before = push_ward.ward.clock.now() - timedelta(days=14, seconds=1)
        work.session.get_one(Login, patient.sid).last_seen_at = before
    assert push_ward.due() == []
    push_ward.sender.tell(patient.user_id)
    assert push_ward.service.received == []


def test_of_a_persons_browsers_the_newest_five_are_kept(push_ward: PushWard):
    patient = push_ward.patient_with_browser(push_ward.browser("0"))
    for number in range(1, 7):
        push_ward.subscribe(patient, push_ward.browser(str(number)))
    assert len(push_ward.subscriptions()) == 5
    patient.comes(JourneyState.CALLED)
    push_ward.sender.tell(patient.user_id)
    assert len(push_ward.service.received) == 5


def test_two_logins_that_change_their_browsers_do_not_wait_for_each_other(push_ward: PushWard):
    one, two = push_ward.browser("one"), push_ward.browser("two")
    first, second = push_ward.patient_with_browser(one), push_ward.patient_with_browser(two)

    def keep(patient: Patient, browser: PushBrowser) -> None:
        with push_ward.ward.stores.unit_of_work() as work:
            push_ward.keep(work.session, patient, browser)

    for _ in range(10):
        at_once(lambda: keep(first, two), lambda: keep(second, one))
        at_once(lambda: keep(first, one), lambda: keep(second, two))
    assert sorted(user_id for user_id, _ in push_ward.subscriptions()) == sorted([first.user_id, second.user_id])


def test_a_push_service_that_hangs_holds_a_few_threads(push_ward: PushWard):
    patients = [push_ward.patient_with_browser(push_ward.browser(str(number))) for number in range(10)]
    for patient in patients:
        patient.comes(JourneyState.CALLED)
    push_ward.service.answering.clear()
    try:
        with ThreadPoolExecutor(10) as threads:
            told = [threads.submit(push_ward.sender.tell, patient.user_id) for patient in patients]
            done = wait(told, timeout=2, return_when=FIRST_EXCEPTION).done
            assert len(done) == 2
            push_ward.service.answering.set()
    finally:
        push_ward.service.answering.set()
    assert len(push_ward.service.received) == 8
    assert len(push_ward.due()) == 2


def test_who_has_no_browser_sends_no_task(push_ward: PushWard):
    push_ward.ward.patient("EX-BLOOD").comes(JourneyState.CALLED)
    assert Task.SEND_WEB_PUSH not in [call.name for call in push_ward.calls]


def test_where_it_is_off_no_task_is_sent(demo_env: dict[str, str], ward: Ward):
    calls: list[TaskCall] = []
    off = Ward(build_stores(ward.stores.settings, ward.clock, calls.append), ward.clock, ward.desks)
    off.chief = ward.chief
    off.patient("EX-BLOOD").comes(JourneyState.CALLED)
    assert Task.SEND_WEB_PUSH not in [call.name for call in calls]
    off.stores.close()
