"""A visit from the door and back: the phone, the desk and the hall side by side, on the real product."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from dev.local.demo import demo_hall_key, demo_password, seed_command
from dev.local.programs import ROOT
from tests.end_to_end.browser.line import Line
from tests.end_to_end.product import Product
from tests.plain_http import NO_TLS
from tests.waiting import COMMAND_SECONDS, wait_until

pytestmark = pytest.mark.timeout(240)

ENTRANCE = "/t/demo-entrance-7f3a9c21e5b84d06"
API = "/api/v1"
_STEPS_OF_THE_LAST = """
    SELECT from_state, to_state FROM welno.state_transitions
    WHERE user_id = (SELECT user_id FROM welno.state_transitions ORDER BY id DESC LIMIT 1) ORDER BY id
"""
_STEPS = [
    ("UNREGISTERED", "ARRIVED"),
    ("ARRIVED", "REGISTERED"),
    ("REGISTERED", "WAITING"),
    ("WAITING", "CALLED"),
    ("CALLED", "WAITING"),
    ("WAITING", "CALLED"),
    ("CALLED", "IN_PROGRESS"),
    ("IN_PROGRESS", "COMPLETED"),
    ("COMPLETED", "WAITING"),
    ("WAITING", "CALLED"),
    ("CALLED", "IN_PROGRESS"),
    ("IN_PROGRESS", "COMPLETED"),
    ("COMPLETED", "PAYMENT"),
    ("PAYMENT", "FINISHED"),
    ("FINISHED", "UNREGISTERED"),
]


@dataclass(frozen=True)
class Phone:
    """Of a patient of the demo."""

    page: Page

    def press(self, name: str) -> None:
        button = self.page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_visible()  # where it is not, this tells what is
        button.click()

    def sees(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", name=heading)).to_be_visible()

    def signs_in(self, last4: str, *birth: str) -> None:
        self.page.get_by_label("휴대폰 번호 끝 네 자리").fill(last4)
        for label, part in zip(("년", "월", "일"), birth, strict=True):
            self.page.get_by_label(label, exact=True).fill(part)
        self.page.locator("#sign-in-button").click()

    @property
    def call(self) -> Locator:
        return self.page.get_by_role("alertdialog")

    @property
    def number(self) -> str:
        return self.page.locator(".ticket .number").inner_text()


@dataclass(frozen=True)
class Desk:
    page: Page
    secrets: "Secrets"

    def signs_in(self) -> None:
        self.page.goto(self.secrets.url + "/staff/journey")
        self.page.get_by_label("로그인 이름").fill("desk1")
        self.page.get_by_label("비밀번호").fill(self.secrets.password)
        self.page.get_by_role("button", name="로그인", exact=True).click()

    def sits_down(self, exam_id: str, room_id: str) -> None:
        self.page.get_by_label("검사", exact=True).select_option(exam_id)
        expect(self.page.get_by_label("방", exact=True)).to_have_value(room_id)
        self.page.get_by_role("button", name="시작하기").click()
        expect(self.page.locator("#desk")).to_be_visible()

    def row(self, number: str) -> Locator:
        return self.page.locator("#line-rows tr").filter(
            has=self.page.get_by_role("rowheader", name=number, exact=True)
        )


@dataclass(frozen=True)
class Secrets:
    """Of this home's demo."""

    url: str
    password: str
    hall_key: str


@pytest.fixture(scope="module")
def secrets(running_product: Product) -> Secrets:
    """The hospital of the demo is made before."""
    home, env = running_product.stack.home, {**os.environ, **running_product.stack.env, "WELNO_DEMO": "true"}
    subprocess.run(seed_command(home), check=True, cwd=ROOT, env=env, timeout=COMMAND_SECONDS)
    return Secrets(running_product.web_url, demo_password(home), demo_hall_key(home))


@pytest.fixture
def phone(new_context: Callable[..., BrowserContext]) -> Phone:
    return Phone(new_context(viewport={"width": 360, "height": 640}).new_page())


@pytest.fixture
def desk(new_context: Callable[..., BrowserContext], secrets: Secrets) -> Desk:
    return Desk(new_context(viewport={"width": 1024, "height": 768}).new_page(), secrets)


@pytest.fixture
def hall(new_context: Callable[..., BrowserContext], secrets: Secrets) -> Page:
    page = new_context(viewport={"width": 1920, "height": 1080}).new_page()
    page.goto(f"{secrets.url}/hall/HALL-1#key={secrets.hall_key}")
    return page


@contextmanager
def colleague(secrets: Secrets) -> Iterator[httpx.Client]:
    """At another desk, whose network stays."""
    with httpx.Client(base_url=secrets.url + API, timeout=20, verify=NO_TLS) as client:
        answer = client.post("/auth/staff-login", json={"login": "desk2", "password": secrets.password})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def calls_of(hall: Page, number: str) -> Locator:
    return hall.locator(".hall-call b").filter(has_text=number)


def steps_of(product: Product) -> list[tuple[Any, Any]]:
    """Of the one who has gone one last."""
    rows = product.rows(_STEPS_OF_THE_LAST)
    return [(row["from_state"], row["to_state"]) for row in rows]


def test_a_visit_from_the_door_and_back(
    phone: Phone, desk: Desk, hall: Page, secrets: Secrets, product: Product, line: Line
) -> None:
    desk.signs_in()
    desk.sits_down("EX-BLOOD", "R-101")
    number = _arrive_and_wait(phone, desk, hall, secrets)
    _be_called_and_not_come(phone, desk, hall, number)
    _be_called_while_the_network_is_away(phone, desk, number, secrets, line)
    _be_examined(phone, desk)
    _go_to_the_next_exam(phone, desk)
    _pay_and_leave(phone)
    assert steps_of(product) == _STEPS


def _arrive_and_wait(phone: Phone, desk: Desk, hall: Page, secrets: Secrets) -> str:
    phone.page.goto(secrets.url + ENTRANCE)
    phone.sees("누구신지 알려 주세요")
    phone.signs_in("0001", "1940", "2", "1")
    phone.sees("접수했어요")
    phone.press("첫 검사 대기하기")
    phone.sees("채혈 차례를 기다려요")
    number = phone.number
    expect(desk.row(number)).to_contain_text("시연001")
    expect(hall.locator(".hall-next").filter(has_text=number).first).to_be_visible()
    phone.press("호출 소리 켜기")
    return number


def _be_called_and_not_come(phone: Phone, desk: Desk, hall: Page, number: str) -> None:
    desk.page.keyboard.press("n")
    expect(phone.call).to_contain_text("채혈실로 오세요")
    expect(calls_of(hall, number).first).to_be_visible()
    expect(desk.row(number)).to_contain_text("휴대폰 대답")
    phone.press("지금 갈게요")
    expect(desk.row(number)).to_contain_text("확인함")
    desk.page.get_by_role("button", name=f"{number}번 부재").click()
    phone.sees("채혈 차례를 기다려요")
    assert phone.number == number


def _be_called_while_the_network_is_away(phone: Phone, desk: Desk, number: str, secrets: Secrets, line: Line) -> None:
    line.cut()
    with colleague(secrets) as other_desk:
        answer = other_desk.post("/queue/medical/call-patient/", json={"exam_id": "EX-BLOOD", "room_id": "R-101"})
        assert answer.json()["queue"]["queue_number"] == int(number)
    expect(phone.page.locator("#connection")).to_be_visible()
    expect(phone.call).to_be_hidden()
    line.restore()
    expect(phone.call).to_be_visible()
    phone.press("지금 갈게요")
    expect(desk.row(number)).to_contain_text("확인함")


def _be_examined(phone: Phone, desk: Desk) -> None:
    phone.press("검사실에 들어왔어요")
    phone.sees("검사 중이에요")
    phone.page.reload()  # its login is renewed by the cookie
    phone.sees("검사 중이에요")
    expect(desk.page.locator("#line-rows tr.in_progress")).to_be_visible()
    desk.page.keyboard.press("c")
    phone.sees("검사가 끝났어요")


def _go_to_the_next_exam(phone: Phone, desk: Desk) -> None:
    expect(phone.page.locator(".stops")).to_contain_text("흉부 X선")
    phone.press("다음 검사로")
    phone.sees("흉부 X선 차례를 기다려요")
    desk.page.get_by_role("button", name="자리 끝내기").click()
    desk.sits_down("EX-XRAY", "R-102")
    expect(desk.row(phone.number)).to_be_visible()
    desk.page.keyboard.press("n")
    expect(phone.call).to_be_visible()
    phone.press("지금 갈게요")
    expect(desk.page.locator("#line-rows tr.called")).to_be_visible()
    desk.page.keyboard.press("s")
    phone.sees("검사 중이에요")
    expect(desk.page.locator("#line-rows tr.in_progress")).to_be_visible()
    desk.page.keyboard.press("c")
    phone.sees("검사가 끝났어요")


def _pay_and_leave(phone: Phone) -> None:
    phone.page.get_by_role("button", name="수납하기").dblclick()
    phone.sees("수납해 주세요")
    phone.press("수납 완료")
    phone.sees("다 끝났어요")
    phone.press("집으로")
    phone.sees("어서 오세요")


def test_who_signs_out_is_signed_out_everywhere_at_once(phone: Phone, product: Product, secrets: Secrets) -> None:
    phone.page.goto(secrets.url + ENTRANCE)
    phone.signs_in("0002", "1940", "3", "3")
    phone.sees("접수했어요")
    expect(phone.page.locator("#sign-out")).to_be_visible()
    other = phone.page.context.new_page()
    other.goto(secrets.url + "/journey")
    expect(other.locator("#sign-out")).to_be_visible()
    phone.press("나가기")
    phone.page.get_by_role("dialog").get_by_role("button", name="나가기").click()
    expect(other.locator("#sign-out")).to_be_hidden()
    wait_until(lambda: product.rows("SELECT 1 FROM welno.logins WHERE revoked_at IS NOT NULL"))


def test_a_page_loaded_twice_while_its_login_is_renewed_stays_signed_in(phone: Phone, secrets: Secrets) -> None:
    phone.page.goto(secrets.url + ENTRANCE)
    phone.signs_in("0002", "1940", "3", "3")
    phone.sees("접수했어요")
    context, before = phone.page.context, phone.page.context.cookies()
    lost: list[int] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().status)
        context.add_cookies(before)  # type: ignore[arg-type] # what one gives, the other takes

    phone.page.route("**/auth/token/refresh/", lose, times=1)  # its answer never comes
    phone.page.reload()
    wait_until(lambda: phone.page.evaluate("true") and lost, 30)
    phone.page.reload()
    phone.sees("접수했어요")
    assert lost == [200]
