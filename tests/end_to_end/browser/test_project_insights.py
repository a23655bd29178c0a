"""Themes and personas of a project on the real stack: begun by an editor, seen by all as they come."""

import re

from playwright.sync_api import expect

from tests.end_to_end.browser.conftest import Arrive
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_interviews import RUN
from tests.end_to_end.product import Product

BANK = "은행 앱 연구"


def test_themes_come_before_both_and_lead_to_what_was_said(arrive: Arrive) -> None:
    viewer = arrive("vera", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    viewer.get_by_role("link", name="주제", exact=True).click()
    expect(viewer.get_by_role("button", name="주제 찾기")).to_be_hidden()
    # A project to which no other test uploads: what MISO finds depends on all interviews.
    mina, phone = (
        arrive("mina", BANK),
        arrive("mina", BANK, viewport=PHONE, color_scheme="dark", reduced_motion="reduce"),
    )
    for page in (mina, phone):
        page.get_by_role("link", name="주제", exact=True).click()
    mina.get_by_role("button", name="주제 찾기").click()
    for page in (mina, phone):
        expect(page.locator("#themes-rows details.insight").first).to_be_visible(timeout=20_000)
        expect(page.locator(".toast").filter(has_text="주제를 찾았어요.")).to_be_visible()
    borne_out = phone.locator("#themes-rows .points > li").filter(has=phone.locator(".quote a")).first
    borne_out.locator("summary").click()
    assert findings(phone) == []
    quote = borne_out.locator(".quote a").first
    said = quote.inner_text().split("”")[0].strip("“ ")
    quote.click()
    expect(phone.locator(".utterance.marked")).to_contain_text(said)


def test_themes_that_cannot_be_found_say_why(product: Product, arrive: Arrive) -> None:
    page = arrive("mina", BANK, viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    page.get_by_role("link", name="주제", exact=True).click()
    with product.provider.fault(RUN, workflow_status="failed"):
        page.get_by_role("button", name="주제 찾기").click()
        failed = page.locator("#themes-rows .error")
        expect(failed).to_have_text(re.compile("[가-힣]"), timeout=20_000)
    assert findings(page) == []


def test_a_persona_is_made_of_chosen_interviews_and_talked_with(arrive: Arrive) -> None:
    page = arrive("mina", BANK, viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    page.get_by_role("link", name="페르소나와 대화").click()
    page.get_by_text("페르소나 만들기", exact=True).click()
    expect(page.locator("#chosen-rows li")).to_have_count(3)
    page.get_by_role("button", name="만들기", exact=True).click()
    expect(page.locator("#chosen-error")).to_have_text("인터뷰를 하나라도 골라 주세요.")
    assert findings(page) == []
    page.get_by_label("출근길 송금 인터뷰").check()
    page.get_by_role("button", name="만들기", exact=True).click()
    talk = page.locator("#generated-rows").get_by_role("link", name="대화하기")
    expect(talk).to_be_visible(timeout=20_000)
    assert findings(page) == []
    talk.click()
    expect(page.get_by_label("질문")).to_be_focused()
    page.get_by_label("질문").fill("송금은 언제 하세요?")
    page.get_by_label("질문").press("Enter")
    expect(page.locator("#chat-log > div").nth(1)).to_contain_text("송금", timeout=20_000)
    expect(page.get_by_role("button", name="멈추기")).to_be_hidden(timeout=20_000)
