"""A project on the real stack, from the file to the conversation: two members, each in a browser of their own."""

import re
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.browser.conftest import Arrive, Upload
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.product import Product
from tests.plain_http import NO_TLS
from tests.waiting import wait_until

RUN, CHAT = "/ext/v1/workflows/run", "/ext/v1/chat"


def row(page: Page, title: str) -> Locator:
    return page.locator("#interviews-rows li").filter(has_text=title)


def calls_of(product: Product, path: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{product.stack.sandbox_url}/control/miso/calls", params={"path": path}, verify=NO_TLS)
    calls: list[dict[str, Any]] = answer.json()["calls"]
    return calls


def test_an_upload_becomes_an_analysis_before_both(arrive: Arrive, upload: Upload) -> None:
    jun, vera = arrive("jun"), arrive("vera")
    upload(jun, "심야 배달", "쿠폰을 찾느라 헤매다가 주문을 포기했어요. 불편했어요.")
    for page in (jun, vera):
        expect(row(page, "심야 배달")).to_contain_text("분석 완료", timeout=30_000)
        expect(page.locator(".toast").filter(has_text="인터뷰 분석이 완료되었습니다: 심야 배달")).to_be_visible()
    row(vera, "심야 배달").get_by_role("link").click()
    analysis = vera.locator("#analysis")
    expect(analysis).to_contain_text("쿠폰을 찾느라 헤매다가 주문을 포기했어요.")
    for hidden in ("김하늘", "010-9876-5432"):
        expect(analysis).not_to_contain_text(hidden)
    quote = analysis.locator(".quote a").first
    number = re.findall(r"(\d+)번 발화", quote.inner_text())[0]
    quote.click()
    expect(vera.locator(f"#utterance-{number}")).to_be_focused()


def test_what_was_said_is_found_and_leads_there(arrive: Arrive, upload: Upload) -> None:
    page = arrive("jun", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    upload(page, "포장 인터뷰", "포장 용기가 자꾸 새서 짜증이 나요.")
    expect(row(page, "포장 인터뷰")).to_contain_text("분석 완료", timeout=30_000)
    page.get_by_role("link", name="찾기", exact=True).click()
    page.get_by_label("인터뷰에서 나온 말").fill("용")
    page.get_by_role("button", name="찾기").click()
    expect(page.locator("#search-words-error")).to_have_text("두 글자부터 찾을 수 있어요.")
    page.get_by_label("인터뷰에서 나온 말").fill("용기")
    page.get_by_role("button", name="찾기").click()
    found = page.locator("#search-rows li")
    expect(found).to_have_count(1)
    expect(found.locator("mark")).to_have_text("용기")
    assert findings(page) == []
    found.get_by_role("link").click()
    expect(page.locator(".utterance.marked")).to_contain_text("포장 용기가 자꾸 새서")
    assert findings(page) == []
    page.go_back()
    expect(found).to_have_count(1)
    page.get_by_label("인터뷰에서 나온 말").fill("아무도 하지 않은 말")
    page.get_by_label("인터뷰에서 나온 말").press("Enter")
    expect(page.get_by_text("그런 말이 나온 인터뷰가 없어요.")).to_be_visible()


def test_an_analysis_that_fails_says_so_and_is_retried(product: Product, arrive: Arrive, upload: Upload) -> None:
    page = arrive("jun")
    with product.provider.fault(RUN, workflow_status="failed", match="국물이 식어서"):
        upload(page, "국물 인터뷰", "국물이 식어서 왔어요. 불편했어요.")
        expect(row(page, "국물 인터뷰")).to_contain_text("분석 실패", timeout=30_000)
        expect(row(page, "국물 인터뷰").locator(".error")).to_have_text(re.compile("[가-힣]"))
    page.get_by_role("button", name="국물 인터뷰 다시 분석").click()
    expect(row(page, "국물 인터뷰")).to_contain_text("분석 완료", timeout=30_000)
    row(page, "국물 인터뷰").get_by_role("link").click()
    expect(page.locator("#interview-facts")).to_contain_text("2번째 분석")
    with page.expect_download() as download:
        page.get_by_role("link", name="글로 받기").click()
    assert "국물이 식어서" in download.value.path().read_text()


def test_a_persona_answers_and_can_be_stopped(product: Product, arrive: Arrive) -> None:
    page = arrive("vera", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    page.get_by_role("link", name="페르소나와 대화").click()
    page.get_by_text("바쁜 직장인", exact=True).click()
    log, question = page.locator("#chat-log > div"), page.get_by_label("질문")
    question.fill("배달비는 어떻게 생각하세요?")
    question.press("Enter")
    expect(log.nth(1)).to_contain_text("배달비", timeout=20_000)
    expect(page.get_by_role("button", name="멈추기")).to_be_hidden(timeout=20_000)
    assert findings(page) == []
    with product.provider.fault(CHAT, chunk_delay_seconds=0.5, calls=1):
        question.fill("쿠폰은요?")
        page.get_by_role("button", name="보내기").click()
        expect(log.nth(3).locator(".said")).not_to_be_empty(timeout=20_000)
        page.get_by_role("button", name="멈추기").click()
        expect(log.nth(3)).to_contain_text("멈췄어요.")
        wait_until(lambda: page.evaluate("true") and any(call["stopped"] for call in calls_of(product, CHAT)))
    question.fill("다시 물어볼게요.")
    question.press("Enter")
    expect(log).to_have_count(6)
    expect(page.get_by_role("button", name="멈추기")).to_be_hidden(timeout=20_000)


def test_a_persona_that_fails_says_so_and_keeps_the_question(product: Product, arrive: Arrive) -> None:
    page = arrive("vera")
    page.get_by_role("link", name="페르소나와 대화").click()
    page.get_by_text("조심스러운 사용자", exact=True).click()
    with product.provider.fault(CHAT, error_after_chunks=2, calls=1):
        page.get_by_label("질문").fill("무엇이 걱정되세요?")
        page.get_by_label("질문").press("Enter")
        expect(page.locator("#chat-failed")).to_have_text(re.compile("[가-힣]"), timeout=20_000)
    expect(page.get_by_label("질문")).to_have_value("무엇이 걱정되세요?")
    expect(page.locator("#chat-log > div").last).to_contain_text("중간에 끊겼어요.")
