"""Calls to a phone whose page is closed: what the browser subscribes with, and what its worker shows.

No push service is reached from here: the browser's subscription is made up, and its messages come through the devtools.
"""

import json
import os
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.integration.static.journey.conftest import OpenPage
from tests.integration.static.journey.hospital import SNAPSHOTS, Hospital
from tests.integration.static.journey.test_call import hide, notices_of, turn_sound_on
from tests.waiting import wait_until

# 65 bytes of a point, as the server gives them.
KEY = "BA" + "A" * 85
OTHER_KEY = "BB" + "A" * 85
ON = {"success": True, "public_key": KEY, "is_subscribed": False}
SUBSCRIPTION = {"endpoint": "https://push.example/1", "keys": {"p256dh": "p", "auth": "a"}}
# As a browser does, it keeps the subscription over visits.
_PUSH_MANAGER = """
globalThis.pushes = [];
const subscriptionWith = (key) => ({
  options: { applicationServerKey: new Uint8Array(key).buffer },
  toJSON: () => ({ endpoint: "https://push.example/1", expirationTime: null, keys: { p256dh: "p", auth: "a" } }),
  unsubscribe: async () => { pushes.push("unsubscribe"); localStorage.removeItem("test-push"); return true; },
});
PushManager.prototype.getSubscription = async () => {
  const key = localStorage.getItem("test-push");
  return key && subscriptionWith(JSON.parse(key));
};
PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey: key }) => {
  pushes.push(`subscribe ${userVisibleOnly} ${key.length}`);
  const registration = await navigator.serviceWorker.getRegistration("/static/page/journey/");
  (pushes.workers ??= []).push(registration.active?.state ?? "none");
  localStorage.setItem("test-push", JSON.stringify([...key]));
  return subscriptionWith([...key]);
};
"""
_SCOPE = "/static/page/journey/"


@pytest.fixture
def phone(hospital: Hospital, open_page: OpenPage) -> Page:
    """Waits in line, at a hospital that has web push."""
    hospital.journey = SNAPSHOTS["WAITING"]
    hospital.answers["GET /notifications/push"] = ON
    hospital.answers["PUT /notifications/push"] = ON | {"is_subscribed": True}
    page = open_page("/journey", permissions=["notifications"], script=_PUSH_MANAGER)
    expect(page.locator(".ticket")).to_be_visible()
    if page.evaluate("Notification.permission") == "denied" and not os.environ.get("CI"):
        pytest.skip("this Chromium is a headless shell, which shows no notifications")
    return page


def subscribed(hospital: Hospital, phone: Page, times: int = 1) -> None:
    asked = "PUT /notifications/push"
    wait_until(lambda: phone.evaluate("true") and hospital.asked_for(asked) == [SUBSCRIPTION] * times)


def test_who_allows_notifications_is_subscribed_and_told_so(hospital: Hospital, phone: Page) -> None:
    turn_sound_on(phone)
    subscribed(hospital, phone)
    expect(phone.locator("#toasts")).to_contain_text("화면을 닫아도 알려 드려요.")
    assert phone.evaluate("pushes") == ["subscribe true 65"]


def test_at_the_next_visit_the_server_is_told_anew_without_a_press(hospital: Hospital, phone: Page) -> None:
    subscribed(hospital, phone)
    hospital.reload(phone)
    expect(phone.locator(".ticket")).to_be_visible()
    subscribed(hospital, phone, 2)
    assert phone.evaluate("pushes") == []


def test_with_another_key_of_the_server_the_browser_subscribes_anew(hospital: Hospital, phone: Page) -> None:
    subscribed(hospital, phone)
    hospital.answers["GET /notifications/push"] = ON | {"public_key": OTHER_KEY}
    hospital.reload(phone)
    subscribed(hospital, phone, 2)
    assert phone.evaluate("pushes") == ["unsubscribe", "subscribe true 65"]


def test_who_allows_notifications_by_the_press_is_subscribed_then(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    hospital.answers["GET /notifications/push"] = ON
    hospital.answers["PUT /notifications/push"] = ON | {"is_subscribed": True}
    page = open_page("/journey", script=_PUSH_MANAGER)
    expect(page.locator("#sound-text")).to_contain_text("브라우저 회사의 알림 서비스로")
    assert hospital.asked_for("PUT /notifications/push") == []
    page.context.grant_permissions(["notifications"])
    turn_sound_on(page)
    subscribed(hospital, page)


def test_a_browser_subscribes_with_a_worker_that_is_active(hospital: Hospital, phone: Page) -> None:
    """Chromium refuses it before: what stands for its PushManager tells of no worker."""
    subscribed(hospital, phone)
    assert phone.evaluate("pushes.workers") == ["activated"]


def test_where_the_server_has_none_nothing_is_asked_of_the_browser(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    hospital.answers["GET /notifications/push"] = ON | {"public_key": None}
    page = open_page("/journey", permissions=["notifications"], script=_PUSH_MANAGER)
    turn_sound_on(page)
    expect(page.locator("#toasts")).to_contain_text("호출 소리를 켰어요.")
    assert hospital.asked_for("PUT /notifications/push") == []
    assert page.evaluate("pushes") == []


def test_who_has_not_been_asked_is_not_subscribed(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    page = open_page("/journey", script=_PUSH_MANAGER)
    expect(page.locator(".ticket")).to_be_visible()
    assert page.evaluate("pushes") == []


def test_a_push_service_that_refuses_leaves_the_page_as_it_is(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    hospital.answers["GET /notifications/push"] = ON
    refuses = (
        _PUSH_MANAGER + "PushManager.prototype.subscribe = async () => { throw new DOMException('', 'AbortError'); };"
    )
    page = open_page("/journey", permissions=["notifications"], script=refuses)
    turn_sound_on(page)
    expect(page.locator("#toasts")).to_contain_text("호출 소리를 켰어요.")
    assert hospital.asked_for("PUT /notifications/push") == []
    expect(page.locator(".ticket")).to_be_visible()


def test_a_sign_out_ends_the_subscription_in_the_browser(hospital: Hospital, phone: Page) -> None:
    subscribed(hospital, phone)
    hospital.answers["POST /auth/logout"] = {"success": True}
    phone.get_by_role("button", name="나가기").click()
    phone.get_by_role("dialog").get_by_role("button", name="나가기").click()
    expect(phone.get_by_role("heading", name="어서 오세요")).to_be_visible()
    wait_until(lambda: phone.evaluate("pushes.at(-1)") == "unsubscribe")


def test_who_signs_in_next_at_this_browser_is_subscribed_after_the_one_before_has_ended(
    hospital: Hospital, phone: Page
) -> None:
    subscribed(hospital, phone)
    order = phone.evaluate(
        """async (page) => {
            const { WebPush } = await import(page);
            const told = [];
            const client = {
              claims: { sid: "first" },
              webPush: async () => ({ public_key: "BA" + "A".repeat(85) }),
              subscribeToPush: async () => told.push(client.claims.sid),
            };
            const push = new WebPush(client);
            const subscribe = PushManager.prototype.subscribe;
            let second = null;
            PushManager.prototype.subscribe = function (...how) {
              if (client.claims.sid === "first") {
                push.drop();
                client.claims = { sid: "second" };
                second = push.keep();
              }
              return subscribe.apply(this, how);
            };
            await push.drop();
            const first = await push.keep();
            return [first, await second, told, localStorage.getItem("test-push") !== null];
        }""",
        phone.evaluate("document.querySelector('script[type=module]').src.replace('page.js', 'background.js')"),
    )
    assert order == [False, True, ["second"], True]


class PushService:
    """Brings messages to the page's worker."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._known: list[dict[str, Any]] = []
        self._devtools.on(
            "ServiceWorker.workerRegistrationUpdated", lambda told: self._known.extend(told["registrations"])
        )
        self._devtools.send("ServiceWorker.enable")
        self._page = page

    def deliver(self, data: str) -> None:
        wait_until(lambda: self._page.evaluate("true") and self._known)
        url = self._known[-1]["scopeURL"]
        assert url.endswith(_SCOPE)
        origin = url.removesuffix(_SCOPE)
        ids = {"origin": origin, "registrationId": self._known[-1]["registrationId"], "data": data}
        self._devtools.send("ServiceWorker.deliverPushMessage", ids)


def test_a_message_is_shown_and_the_next_one_takes_its_place(hospital: Hospital, phone: Page) -> None:
    hide(phone)
    subscribed(hospital, phone)
    service = PushService(phone)
    service.deliver(json.dumps({"id": 1, "kind": "patient_called", "body": "진료 순서가 되었어요."}))
    assert wait_until(lambda: notices_of(phone)) == ["진료 순서가 되었어요. 눌러서 확인해 주세요."]
    service.deliver(json.dumps({"id": 2, "kind": "call_withdrawn", "body": "호출이 취소됐어요."}))
    wait_until(lambda: notices_of(phone) == ["호출이 취소됐어요. 눌러서 확인해 주세요."])
    service.deliver("no json")
    wait_until(lambda: notices_of(phone) == ["진료 순서를 확인해 주세요. 눌러서 확인해 주세요."])


def test_another_line_hides_no_call(hospital: Hospital, phone: Page) -> None:
    hide(phone)
    subscribed(hospital, phone)
    service = PushService(phone)
    called = {"id": 1, "kind": "patient_called", "body": "진료 순서가 되었어요.", "queue_id": "q-1"}
    service.deliver(json.dumps(called))
    service.deliver(json.dumps({"id": 2, "kind": "moved", "body": "다른 줄로 옮겼어요.", "queue_id": "q-2"}))
    wait_until(lambda: len(notices_of(phone)) == 2)


def test_what_is_over_is_put_away_when_the_page_is_looked_at(hospital: Hospital, phone: Page) -> None:
    hide(phone)
    subscribed(hospital, phone)
    PushService(phone).deliver(json.dumps({"id": 1, "kind": "moved", "body": "다른 줄로 옮겼어요.", "queue_id": "q-1"}))
    wait_until(lambda: notices_of(phone))
    hide(phone, is_hidden=False)
    wait_until(lambda: notices_of(phone) == [])


def test_a_call_that_was_read_is_not_shown_again_by_a_late_message(hospital: Hospital, phone: Page) -> None:
    subscribed(hospital, phone)
    hospital.call()
    phone.get_by_role("button", name="지금 갈게요").click()
    asked = len(hospital.asked_for("GET /patient-journey/current-state/"))
    PushService(phone).deliver(json.dumps({"id": 1, "kind": "patient_called", "body": "진료 순서가 되었어요."}))
    wait_until(
        lambda: phone.evaluate("true") and len(hospital.asked_for("GET /patient-journey/current-state/")) > asked
    )
    wait_until(lambda: notices_of(phone) == [])


def test_who_reads_the_call_puts_the_pushed_notification_away(hospital: Hospital, phone: Page) -> None:
    hide(phone)
    subscribed(hospital, phone)  # without a press of the button in this visit
    hospital.call()
    expect(phone.get_by_role("alertdialog")).to_be_visible()
    PushService(phone).deliver(json.dumps({"id": 1, "kind": "patient_called", "body": "진료 순서가 되었어요."}))
    wait_until(lambda: "진료 순서가 되었어요. 눌러서 확인해 주세요." in notices_of(phone))
    hide(phone, is_hidden=False)
    phone.get_by_role("button", name="지금 갈게요").click()
    wait_until(lambda: notices_of(phone) == [])
