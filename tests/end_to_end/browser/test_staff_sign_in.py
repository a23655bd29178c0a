"""The staff's ways in: password and authenticator, and the authenticator's set-up at the first time."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pyotp
import pytest
from playwright.sync_api import Page, Request, expect
from sqlalchemy.orm import Session

from core.clock import clock
from models.accounts import AccountKind, AccountRole
from services.accounts.accounts import add_account
from services.accounts.hashing import PasswordHashes
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.product import Product
from tests.waiting import wait_until

PAGE, PASSWORD = "/staff/runs", "an invented password"


@pytest.fixture
def login(product: Product) -> str:
    return make_account(product, AccountRole.OPERATOR)


def make_account(product: Product, role: AccountRole) -> str:
    login = f"operator-{uuid4()}"
    password_hash = PasswordHashes(product.stack.env["WELNO_PASSWORD_PEPPER"]).hash(PASSWORD)
    with Session(product.engine) as session, session.begin():
        add_account(session, AccountKind.OPERATOR, login, "밤 당번", password_hash, role)
    return login


@pytest.fixture
def page(visitor: Visitor) -> Page:
    visitor.open(PAGE)
    return visitor.page


def sign_in(page: Page, login: str, password: str = PASSWORD, code: str = "") -> None:
    page.get_by_label("로그인 이름").fill(login)
    page.get_by_label("비밀번호").fill(password)
    if code:
        page.get_by_label("인증 앱의 숫자 6자리").fill(code)
    page.get_by_role("button", name="로그인", exact=True).click()


def set_up(page: Page, login: str) -> pyotp.TOTP:
    """Sign in for the first time, and connect an authenticator."""
    sign_in(page, login)
    expect(page.get_by_role("heading", name="인증 앱 연결")).to_be_focused()
    secret = (page.locator("#second-factor-key").text_content() or "").replace(" ", "")
    link = page.get_by_role("link", name="이 기기의 인증 앱에서 열기").get_attribute("href") or ""
    assert parse_qs(urlsplit(link).query)["secret"] == [secret]
    totp = pyotp.TOTP(secret)
    page.get_by_label("앱에 보이는 숫자 6자리").fill(totp.at(clock.now()))
    page.get_by_role("button", name="연결하기").click()
    return totp


def test_the_first_sign_in_connects_an_authenticator_and_the_next_asks_for_its_code(page: Page, login: str) -> None:
    totp = set_up(page, login)
    expect(page.get_by_role("heading", name="수집 작업")).to_be_focused()
    page.get_by_role("button", name="로그아웃").click()
    sign_in(page, login)
    expect(page.locator("#code-error")).to_have_text("인증 앱에 보이는 숫자 6자리를 입력해 주세요.")
    expect(page.get_by_label("인증 앱의 숫자 6자리")).to_be_focused()
    # Of the next step, which counts as well: the first one's code is taken.
    page.get_by_label("인증 앱의 숫자 6자리").fill(totp.at(clock.now() + timedelta(seconds=30)))
    page.get_by_role("button", name="로그인", exact=True).click()
    expect(page.get_by_role("heading", name="수집 작업")).to_be_visible()


def test_a_refresh_that_nobody_asked_for_says_so(page: Page, login: str) -> None:
    """So that it keeps no login alive."""
    set_up(page, login)
    with page.expect_request(lambda asked: "/admin/runs" in asked.url and is_background(asked), timeout=15_000):
        pass
    with page.expect_request(lambda asked: "/admin/runs" in asked.url and not is_background(asked)):
        page.get_by_role("button", name="지금 새로고침").click()


def is_background(asked: Request) -> bool:
    return asked.headers.get("x-welno-background") == "1"


def test_flower_opens_from_the_page_until_one_signs_out(
    page: Page, login: str, product: Product, complaints: list[str]
) -> None:
    flower = product.stack.flower_url
    assert (page.request.get(f"{flower}/workers")).status == 401
    set_up(page, login)
    page.get_by_role("button", name="Celery 작업 보기").click()
    expect(page.get_by_placeholder("state:FAILURE")).to_have_value(re.compile(r"^name:welno\.collection\."))
    assert page.url.startswith(f"{flower}/tasks?name=")
    page.go_back()
    complaints[:] = [one for one in complaints if f":{product.stack.ports.flower}" not in one]  # it was to go there
    page.get_by_role("button", name="로그아웃").click()
    wait_until(lambda: page.request.get(f"{flower}/workers").status == 401, 1)


def test_a_wrong_code_connects_nothing(page: Page, login: str) -> None:
    sign_in(page, login)
    page.get_by_label("앱에 보이는 숫자 6자리").fill("000000")
    page.get_by_role("button", name="연결하기").click()
    expect(page.locator("#new-code-error")).to_contain_text("숫자가 맞지 않아요.")
    expect(page.locator("#list")).to_be_hidden()


def test_a_wrong_password_opens_nothing_and_says_what_to_do(page: Page, login: str) -> None:
    sign_in(page, login, "another password")
    expect(page.locator("#password-error")).to_have_text("로그인 정보가 맞지 않아요. 다시 확인해 주세요.")
    expect(page.get_by_label("비밀번호")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0


def test_an_auditor_is_told_that_this_is_not_theirs(page: Page, product: Product) -> None:
    set_up(page, make_account(product, AccountRole.AUDITOR))
    expect(page.locator("#password-error")).to_contain_text("이 계정으로는 볼 수 없어요.")


def test_what_is_missing_is_named_before_anything_is_sent(page: Page) -> None:
    page.get_by_role("button", name="로그인", exact=True).click()
    expect(page.locator("#login-error")).to_have_text("로그인 이름을 입력해 주세요.")
    expect(page.locator("#password-error")).to_have_text("비밀번호를 입력해 주세요.")
    expect(page.get_by_label("로그인 이름")).to_be_focused()
