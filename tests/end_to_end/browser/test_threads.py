"""Threads in browsers on the real stack: people who write to each other, offline, in two tabs, at a shared computer."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlalchemy.orm import Session

from core.base64url import encode_bytes
from models.accounts import AccountKind, AccountRole
from services.accounts.accounts import add_account
from services.accounts.hashing import PasswordHashes
from tests.accessibility import examine
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.product import Product
from tests.plain_http import NO_TLS
from tests.thread_devices import ClientDevice, open_envelope
from tests.waiting import wait_until

PASSWORD = "an invented password"
SOON = 20_000
# By the form, as a person would, but faster.
_WRITE = """async ([first, last]) => {
    const form = document.getElementById("send-form"), text = document.getElementById("text");
    for (let number = first; number <= last; number += 1) {
        text.value = `${number}`;
        form.requestSubmit();
        while (text.value) await new Promise((resolve) => setTimeout(resolve));
        while (document.querySelector("#send[aria-busy]")) await new Promise((resolve) => setTimeout(resolve));
    }
}"""
_SENT = """
    SELECT body::json -> 'envelope' ->> 'clientId' AS client, (body::json -> 'envelope' ->> 'clientSeq')::int AS number
    FROM welno.welno_thread_items WHERE thread_id = :thread AND type = 'message' ORDER BY seq
"""
# A picture of one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass
class Correspondent:
    """A member of staff, and the tab in which they are signed in."""

    page: Page
    url: str
    login: str

    def sign_in(self, page: Page | None = None) -> "Correspondent":
        self.page = page or self.page
        if "/threads" not in self.page.url:
            self.page.goto(f"{self.url}/threads")
        self.page.get_by_label("로그인 이름").fill(self.login)
        self.page.get_by_label("비밀번호").fill(PASSWORD)
        self.page.get_by_role("button", name="로그인", exact=True).click()
        expect(self.page.locator("#member-id")).not_to_be_empty(timeout=SOON)
        return self

    @property
    def member_id(self) -> str:
        return self.page.locator("#member-id").inner_text()

    def begin_thread(self, other: str) -> str:
        """Its id, once there is a key to write with."""
        self.page.get_by_label("함께할 사람의 아이디").fill(other)
        self.page.get_by_role("button", name="대화방 만들기").click()
        self.expect_key()
        return self.page.url.partition("#")[2]

    def open_thread(self, thread: str) -> None:
        """Of the list."""
        self.page.reload()
        self.page.locator(f"#open-{thread}").click()
        self.expect_key()

    def expect_key(self) -> None:
        expect(self.page.locator("#keys-facts")).to_contain_text("지금 쓰는 열쇠", timeout=SOON)

    def write(self, text: str) -> None:
        self.page.get_by_role("textbox", name="메시지", exact=True).fill(text)
        self.page.get_by_role("button", name="보내기", exact=True).click()

    def write_many(self, first: int, last: int) -> None:
        self.page.evaluate(_WRITE, [first, last])

    def expect_message(self, text: str) -> None:
        expect(self.page.locator("#messages .message").filter(has_text=text).last).to_be_visible(timeout=SOON)

    def expect_waiting(self, count: int) -> None:
        told = f"보내지 않은 메시지 {count}개" if count else ""
        expect(self.page.locator("#waiting")).to_have_text(told, timeout=60_000)

    def texts(self) -> list[str]:
        """Of the messages, without who wrote them when."""
        found: list[str] = self.page.locator("#messages div.message p:not(.hint)").all_inner_texts()
        return found


Arrive = Callable[..., Correspondent]


def add_staff(product: Product) -> str:
    """The login of somebody with devices of their own: the first one of a member is active at once."""
    login = f"staff-{uuid4()}"
    password_hash = PasswordHashes(product.stack.env["WELNO_PASSWORD_PEPPER"]).hash(PASSWORD)
    with Session(product.engine) as session, session.begin():
        add_account(session, AccountKind.STAFF, login, "병동 근무자", password_hash, AccountRole.STAFF)
    return login


@pytest.fixture
def new_login(product: Product) -> Callable[[], str]:
    return partial(add_staff, product)


@pytest.fixture
def arrive(new_context: Callable[..., BrowserContext], product: Product, new_login: Callable[[], str]) -> Arrive:
    """At a computer of their own, signed in."""

    def make(**traits: Any) -> Correspondent:
        return Correspondent(new_context(**traits).new_page(), product.web_url, new_login()).sign_in()

    return make


def numbers_in(product: Product, thread: str) -> list[int]:
    """What one device wrote, as the server has numbered it."""
    return [row["number"] for row in product.rows(_SENT, thread=thread)]


def test_two_people_exchange_a_text_and_a_picture(arrive: Arrive, tmp_path: Path) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    nurse.write("혈압 128/82")
    doctor.expect_message("혈압 128/82")
    doctor.write("확인했어요")
    nurse.expect_message("확인했어요")
    picture = tmp_path / "pixel.png"
    picture.write_bytes(PIXEL)
    nurse.page.locator("#picture").set_input_files(picture)
    expect(doctor.page.locator("#messages img")).to_be_visible(timeout=SOON)
    nurse.expect_waiting(0)
    expect(nurse.page.locator("#thread-facts")).to_contain_text("4/4쪽 읽음", timeout=SOON)


@contextmanager
def signed_in(product: Product, login: str) -> Iterator[httpx.Client]:
    """A member without a browser."""
    with httpx.Client(base_url=product.web_url, timeout=20, verify=NO_TLS) as client:
        answer = client.post("/api/v1/auth/staff-login", json={"login": login, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        client.base_url = httpx.URL(f"{product.web_url}/api/threads")
        yield client


def test_what_is_sent_before_the_key_is_made_goes_once_it_is(arrive: Arrive) -> None:
    nurse = arrive()
    held: list[Route] = []
    is_held = True

    def hold(route: Route) -> None:
        if is_held and route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    nurse.page.route("**/api/threads/*/keys", hold)
    nurse.page.get_by_label("함께할 사람의 아이디").fill("staff:nobody")
    nurse.page.get_by_role("button", name="대화방 만들기").click()
    wait_until(lambda: nurse.page.evaluate("true") and held, 30)
    nurse.write("성급한 말")
    is_held = False
    for route in held:
        route.continue_()
    nurse.expect_message("성급한 말")
    expect(nurse.page.get_by_role("textbox", name="메시지", exact=True)).to_have_value("")
    expect(nurse.page.locator("#send-failed")).to_be_hidden()


def test_a_patient_writes_and_is_not_signed_out_without_the_server(
    visitor: Visitor, phones: Phones, arrive: Arrive
) -> None:
    person = phones.add_person(checkups=1)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    nurse, patient, page = arrive(), Correspondent(visitor.page, visitor.url, ""), visitor.page
    visitor.open("/threads")
    expect(page.locator("#member-id")).to_contain_text("patient:", timeout=SOON)
    thread = patient.begin_thread(nurse.member_id)
    nurse.open_thread(thread)
    patient.write("어지러워요")
    nurse.expect_message("어지러워요")
    patient.expect_waiting(0)
    page.get_by_label("네트워크 쓰기").uncheck()
    page.get_by_role("button", name="로그아웃", exact=True).click()
    expect(page.get_by_text("로그아웃하지 못했어요.")).to_be_visible()
    expect(page.locator("#member-id")).to_be_visible()
    page.get_by_label("네트워크 쓰기").check()
    page.get_by_role("button", name="로그아웃", exact=True).click()
    expect(page.get_by_role("heading", name="대화방 열기")).to_be_visible(timeout=SOON)


def test_python_opens_what_the_browser_made_and_the_other_way_round(
    arrive: Arrive, product: Product, new_login: Callable[[], str]
) -> None:
    nurse = arrive()
    with signed_in(product, new_login()) as client:
        device = ClientDevice(client.get("/me").json()["memberId"])
        assert client.post("/devices", json=device.registration()).status_code == 201
        thread = nurse.begin_thread(device.member)
        [key] = client.get(f"/{thread}/keys", params={"deviceId": device.device_id}).json()["keys"]
        secret = device.open_wrap(key["wrapped"], thread, "k1")
        nurse.write("브라우저에서")
        nurse.expect_message("브라우저에서")
        items = client.get(f"/{thread}/recent").json()["items"]
        [envelope] = [item["envelope"] for item in items if item["type"] == "message"]
        assert open_envelope(envelope, secret).decode() == "브라우저에서"
        pushed = client.post(
            "/push-batch", json={"envelopes": [device.envelope(thread, "k1", secret, "파이썬".encode())]}
        )
        assert [one["status"] for one in pushed.json()["results"]] == ["accepted"]
    nurse.expect_message("파이썬")


def test_a_server_that_swaps_a_device_s_key_is_found_out(arrive: Arrive) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    nurse.write("진짜 말")
    nurse.expect_message("진짜 말")

    def swap(route: Route) -> None:
        told = route.fetch().json()
        for device in told["devices"]:
            device["signKey"] = encode_bytes(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        route.fulfill(json=told)

    address = f"**/api/threads/{thread}/devices"
    doctor.page.route(address, swap)
    doctor.page.reload()
    doctor.page.locator(f"#open-{thread}").click()
    doctor.expect_message("서명과 맞지 않아서 열지 않았어요. (DEVICE_INVALID)")
    expect(doctor.page.locator("#keys-facts")).to_contain_text("k1: 서버가 보낸 내용이 서명과 맞지 않아서")
    expect(nurse.page.locator("#thread-facts")).to_contain_text("(쓰기) 1/2쪽 읽음", timeout=SOON)
    doctor.page.unroute(address)
    doctor.page.reload()
    doctor.expect_message("진짜 말")
    expect(nurse.page.locator("#thread-facts")).to_contain_text("(쓰기) 2/2쪽 읽음", timeout=SOON)


def test_what_was_written_offline_arrives_once_and_in_order_from_another_tab(
    arrive: Arrive, product: Product, line: Line
) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    line.cut()
    nurse.write_many(1, 500)
    nurse.expect_waiting(500)
    other_tab = nurse.page.context.new_page()
    nurse.page.close()
    other_tab.goto(f"{product.web_url}/threads")
    expect(other_tab.get_by_text("서버에 연결하지 못했어요")).to_be_visible(timeout=SOON)
    line.restore()
    other_tab.get_by_role("button", name="다시 시도").click()
    nurse.sign_in(other_tab)
    wait_until(lambda: len(numbers_in(product, thread)) == 500, 90)
    assert numbers_in(product, thread) == list(range(1, 501))
    nurse.expect_waiting(0)
    doctor.page.reload()  # in the middle of what comes, or after it
    wait_until(lambda: all_texts(doctor) == [str(number) for number in range(1, 501)], 60, every=0.5)


def all_texts(reader: Correspondent) -> list[str]:
    """After a wish for earlier ones, where there are any."""
    earlier = reader.page.locator("#earlier")
    if earlier.is_visible():
        earlier.click()
    return reader.texts()


def test_two_tabs_send_each_message_once(arrive: Arrive, product: Product, line: Line) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    second = Correspondent(nurse.page.context.new_page(), nurse.url, nurse.login).sign_in()
    second.open_thread(thread)
    line.cut()
    nurse.write_many(1, 20)
    second.write_many(21, 40)
    for tab in (nurse, second):
        tab.expect_waiting(40)
    line.restore()
    for tab in (nurse, second):
        tab.expect_waiting(0)
    assert numbers_in(product, thread) == list(range(1, 41))
    for tab in (nurse, second):
        expect(tab.page.locator("#messages div.message")).to_have_count(40, timeout=SOON)
        assert tab.texts() == [str(number) for number in range(1, 41)]


def test_the_service_worker_sends_what_a_closed_page_left_by_its_push_pass(
    arrive: Arrive, product: Product, line: Line
) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    nurse.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    line.cut()
    nurse.write_many(1, 3)
    nurse.expect_waiting(3)
    other = nurse.page.context.new_page()
    nurse.page.close()
    line.restore()
    other.goto(f"{product.web_url}/login")  # a page without a token, that knows nothing of threads
    dispatch_sync(other, product.web_url)
    wait_until(lambda: numbers_in(product, thread) == [1, 2, 3], 30)


def dispatch_sync(page: Page, origin: str) -> None:
    """As the browser does when it thinks that the network is back."""
    devtools = page.context.new_cdp_session(page)
    known: list[dict[str, Any]] = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda told: known.extend(told["registrations"]))
    devtools.send("ServiceWorker.enable")
    wait_until(lambda: page.evaluate("1") and known)  # events are heard while something is asked
    ids = {"origin": origin, "registrationId": known[0]["registrationId"]}
    devtools.send("ServiceWorker.dispatchSyncEvent", {**ids, "tag": "threads-flush", "lastChance": False})


def test_a_second_computer_reads_all_once_the_first_has_approved_it(
    arrive: Arrive, new_context: Callable[..., BrowserContext]
) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    nurse.write("예전 말")
    nurse.expect_message("예전 말")
    tablet = Correspondent(new_context().new_page(), nurse.url, nurse.login).sign_in()
    expect(tablet.page.get_by_text("이 기기를 승인해 주세요")).to_be_visible(timeout=SOON)
    tablet.page.locator(f"#open-{thread}").click()
    tablet.expect_message("아직 열쇠를 받지 못했어요")
    nurse.page.reload()
    nurse.page.get_by_role("button", name="이 기기 승인").click()
    nurse.page.get_by_role("button", name="똑같아요, 승인하기").click()
    tablet.expect_message("예전 말")
    expect(tablet.page.get_by_text("이 기기를 승인해 주세요")).to_be_hidden(timeout=SOON)
    tablet.write("새 말")
    nurse.expect_message("새 말")


def test_what_is_written_after_the_login_is_over_goes_by_the_push_pass(arrive: Arrive, product: Product) -> None:
    nurse = arrive()
    page = nurse.page
    thread = nurse.begin_thread("staff:nobody")
    token = page.evaluate("sessionStorage.getItem('welno_threads_staff_token')")
    ended = page.request.post(f"{product.web_url}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    assert ended.status == 204
    nurse.write("늦은 말")
    expect(page.get_by_text("로그인이 끝났어요.")).to_be_visible(timeout=SOON)
    wait_until(lambda: numbers_in(product, thread) == [1], 20)
    page.get_by_role("button", name="다시 로그인").click()
    nurse.sign_in()
    nurse.expect_message("늦은 말")


def test_after_the_login_is_over_a_reload_without_a_network_shows_nothing(arrive: Arrive, product: Product) -> None:
    """To whoever sits there next: the shell of the page is there without a network, and so are the keys."""
    nurse = arrive()
    page = nurse.page
    nurse.begin_thread("staff:nobody")
    nurse.write("먼저 한 말")
    nurse.expect_message("먼저 한 말")
    page.evaluate("navigator.serviceWorker.ready.then(() => {})")
    token = page.evaluate("sessionStorage.getItem('welno_threads_staff_token')")
    page.request.post(f"{product.web_url}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    expect(page.get_by_text("로그인이 끝났어요.")).to_be_visible(timeout=30_000)
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#threads-failed")).to_be_visible(timeout=SOON)
    expect(page.locator("#threads")).to_be_hidden()
    expect(page.get_by_text("먼저 한 말")).to_have_count(0)
    page.context.set_offline(False)


def test_a_sign_out_on_another_page_closes_a_patients_threads(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=1)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    threads = visitor.page.context.new_page()
    threads.goto(f"{visitor.url}/threads")
    expect(threads.locator("#member-id")).to_contain_text("patient:", timeout=SOON)
    visitor.page.locator("#sign-out").click()
    expect(threads.get_by_role("heading", name="대화방 열기")).to_be_visible(timeout=SOON)
    expect(threads.locator("#member-id")).to_be_hidden()


def test_signing_out_with_messages_that_wait_asks_first(arrive: Arrive, product: Product) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    nurse.page.get_by_label("네트워크 쓰기").uncheck()
    nurse.write("아직 못 보낸 말")
    nurse.expect_waiting(1)
    nurse.page.get_by_role("button", name="로그아웃", exact=True).click()
    question = nurse.page.get_by_role("dialog", name="보내지 않은 메시지가 있어요")
    expect(question).to_contain_text("메시지 1개를 아직 보내지 못했어요")
    question.get_by_role("button", name="그대로 두기").click()
    expect(nurse.page.locator("#member-id")).to_be_visible()
    nurse.page.get_by_label("네트워크 쓰기").check()
    nurse.expect_waiting(0)
    assert numbers_in(product, thread) == [1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_threads_is_accessible_on_a_phone(arrive: Arrive, scheme: str) -> None:
    nurse = arrive(viewport=PHONE, color_scheme=scheme, reduced_motion="reduce")
    page = nurse.page
    page.get_by_text("QR로 보여 주기").click()
    expect(page.get_by_role("img", name="내 아이디의 QR")).to_be_visible()
    assert examine(page, "my number as a QR", findings(page)) == []
    nurse.begin_thread("staff:nobody")
    nurse.write("안녕하세요")
    nurse.expect_message("안녕하세요")
    for title in ("열쇠와 기기", "어떻게 지켜지나요?"):
        page.get_by_text(title).click()
    assert examine(page, "a thread, and how it is kept", findings(page)) == []
    page.get_by_label("네트워크 쓰기").uncheck()
    nurse.write("기다리는 말")
    expect(page.locator("#outbox-rows li")).to_have_count(1)
    assert examine(page, "a message that waits", findings(page)) == []
    page.get_by_role("link", name="← 내 대화방").click()
    page.get_by_label("함께할 사람의 아이디").fill("x")
    page.get_by_role("button", name="대화방 만들기").click()
    expect(page.locator("#other-error")).to_be_visible()
    assert examine(page, "a number that is none", findings(page)) == []
    page.get_by_role("button", name="로그아웃", exact=True).click()
    assert examine(page, "leaving, with a message that waits", findings(page)) == []
    page.get_by_role("dialog").get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("heading", name="대화방 열기")).to_be_visible(timeout=SOON)
    assert examine(page, "before anybody is known", findings(page)) == []
