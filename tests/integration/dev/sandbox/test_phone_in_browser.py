"""The phone page in a real Chromium: it renews itself, its buttons work, it fits a small screen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import FLAGS
from tests.integration.dev.sandbox.client import HANEUL, KAKAO_ONLY

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium(chromium_program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser, control) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 375, "height": 800})
    page.goto(f"{control.base}/phone")
    yield page
    page.close()


def test_a_request_appears_by_itself_and_can_be_approved(phone, tilko):
    expect(phone.get_by_text("기다리는 인증 요청이 없어요")).to_be_visible()
    session = tilko.open_session(HANEUL)
    phone.get_by_role("button", name="승인").click(timeout=10_000)
    expect(phone.get_by_text("기다리는 인증 요청이 없어요")).to_be_visible()
    assert tilko.fetch_checkups(session, HANEUL).json()["Status"] == "OK"


def test_a_request_can_be_declined(phone, tilko):
    session = tilko.open_session(KAKAO_ONLY)
    phone.get_by_role("button", name="거절").click(timeout=10_000)
    expect(phone.get_by_text("기다리는 인증 요청이 없어요")).to_be_visible()
    assert "인증을 진행할 수 없습니다" in tilko.fetch_checkups(session, KAKAO_ONLY).json()["Message"]


def test_nothing_is_wider_than_a_small_screen(phone, tilko):
    tilko.open_session(HANEUL)
    expect(phone.get_by_role("button", name="승인")).to_be_visible(timeout=10_000)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 375
