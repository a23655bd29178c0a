"""The request on the phone: how long it may be approved, and what others' requests do to it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.product import Product

SIZES = pytest.mark.parametrize(("width", "height"), [(375, 800), (1280, 900)])
_A_MINUTE_LATER = "UPDATE welno.welno_pushes SET taken_at = taken_at - interval '61 seconds'"
# Freed, so that the poller reads it anew.
_OVER = (
    "UPDATE welno.welno_collection_history SET approve_by = now() - interval '7 seconds', owner_id = NULL"
    " WHERE session_id = '{}'"
)


def expect_over(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title)).to_be_focused(timeout=20_000)
    for gone in ("#phone", "#approve-button", "#bar", "#steps", "#retry", "#countdown", "#elsewhere", "#spinner"):
        expect(page.locator(gone)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_wait_counts_down_also_after_a_reload(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    countdown = visitor.page.locator("#countdown")
    expect(countdown).to_have_text(re.compile(r"^9분 \d\d초 안에 승인해 주세요$"))
    visitor.page.reload()
    expect(countdown).to_have_text(re.compile(r"^9분 \d\d초 안에 승인해 주세요$"))
    phones.approve(person)
    visitor.put_password_off()


def test_a_wrong_clock_of_the_device_changes_no_countdown(visitor: Visitor, phones: Phones) -> None:
    visitor.page.clock.install(time="2031-05-01T10:00:00")
    visitor.begin(phones.add_person())
    expect(visitor.page.locator("#countdown")).to_have_text(re.compile(r"^(10|9)분 \d\d초 안에 승인해 주세요$"))


def test_a_phone_opens_the_app_that_the_request_is_in(new_visitor: NewVisitor, phones: Phones) -> None:
    """First of all; where there is no address that opens it, and at a desk, the steps alone are told."""
    for app, path in (("카카오톡", "kakaotalk://"), ("네이버", "naversearchapp://"), ("통신사 PASS", None)):
        visitor = new_visitor(viewport={"width": 375, "height": 667}, has_touch=True, is_mobile=True)
        visitor.begin(phones.add_person(), app=app)
        links, approved = visitor.page.locator("#waiting-view a"), visitor.page.get_by_role("button", name="승인했어요")
        expect(links).to_have_count(1 if path else 0)
        if path:
            expect(links).to_have_attribute("href", re.compile(f"^{path}"))
            assert links.bounding_box()["y"] < visitor.page.locator("#phone").bounding_box()["y"]  # type: ignore[index]
            expect(approved).not_to_have_class(re.compile("primary"))
    visitor = new_visitor()
    visitor.begin(phones.add_person())
    expect(visitor.page.locator("#waiting-view a")).to_have_count(0)
    expect(visitor.page.get_by_role("button", name="승인했어요")).to_have_class(re.compile("primary"))


@SIZES
def test_a_request_that_was_not_approved_in_time_is_sent_again(
    new_visitor: NewVisitor, phones: Phones, product: Product, width: int, height: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": height})
    person = phones.add_person()
    visitor.begin(person)
    first = phones.provider.cx_id_of(person.phone)
    product.execute(_OVER.format(visitor.remembered("tilko_session_id")))
    expect_over(visitor.page, "승인할 수 있는 시간이 지났어요")
    visitor.page.reload()
    expect_over(visitor.page, "승인할 수 있는 시간이 지났어요")
    visitor.page.get_by_role("button", name="요청 다시 보내기").click()
    visitor.expect_asked()
    phones.provider.wait_for_another(person.phone, first)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()


def test_a_request_that_was_not_sent_again_is_not_told_as_sent(visitor: Visitor, phones: Phones) -> None:
    """Just after it was sent the phone gets no second one, and the person may ask again."""
    visitor.begin(phones.add_person())
    visitor.page.get_by_role("button", name="승인했어요").click()
    again = visitor.page.locator("#resend-button")
    expect(again).to_be_visible(timeout=20_000)
    prevented = {"success": True, "next_step": "wait_for_auth", "duplicate_request_prevented": True}
    visitor.page.route("**/simple-auth?*", lambda route: route.fulfill(json=prevented))
    again.click()
    expect(visitor.page.get_by_text("다시 보내지 않았어요")).to_be_visible()
    expect(visitor.page.get_by_text("요청을 다시 보냈어요")).to_have_count(0)
    expect(again).to_be_enabled()
    visitor.page.unroute("**/simple-auth?*")
    expect(visitor.page.locator("#retry-text")).to_contain_text("아직 승인을 기다리고 있어요", timeout=30_000)
    again.click()
    expect(visitor.page.get_by_text("요청을 다시 보냈어요")).to_be_visible()
    expect(again).to_be_hidden()


def test_two_who_ask_for_one_phone_are_both_told(new_visitor: NewVisitor, phones: Phones, product: Product) -> None:
    owner, other = new_visitor(), new_visitor(viewport={"width": 375, "height": 800})
    person = phones.add_person()
    owner.begin(person)
    other.open()
    other.fill_in(person)
    with other.page.expect_response("**/simple-auth?*") as refused:
        other.submit()
    assert refused.value.status == 409
    expect_over(other.page, "다른 곳에서 먼저 인증을 요청했어요")
    again = other.page.locator("#ask-again-button")
    expect(again).to_be_disabled()
    shown = re.match(r"(?:(\d+)분 )?(\d+)초 뒤에", again.inner_text())
    assert shown
    told = int(refused.value.headers["retry-after"])
    assert told - 10 <= int(shown[1] or 0) * 60 + int(shown[2]) <= told
    expect(owner.page.locator("#elsewhere")).to_contain_text("내가 한 요청이 아니라면 휴대폰에서 승인하지 마세요.")
    owner.page.reload()
    expect(owner.page.locator("#elsewhere")).to_be_visible()

    product.execute(_A_MINUTE_LATER)
    other.page.reload()
    other.expect_asked()
    expect_over(owner.page, "다른 곳에서 인증을 다시 요청했어요")


def test_too_many_requests_are_a_state_with_a_countdown(visitor: Visitor, phones: Phones) -> None:
    answer = {"success": False, "error": {"code": "RATE_LIMITED", "message": "너무 많아요."}, "request_id": "r-1"}
    visitor.page.route(
        "**/simple-auth?*", lambda route: route.fulfill(status=429, headers={"Retry-After": "75"}, json=answer)
    )
    visitor.open()
    visitor.fill_in(phones.add_person())
    visitor.submit()
    expect_over(visitor.page, "인증 요청을 너무 많이 보냈어요")
    expect(visitor.page.locator("#ask-again-button")).to_have_text(re.compile(r"^1분 \d\d초 뒤에 다시 보낼 수 있어요$"))
    visitor.page.unroute("**/simple-auth?*")
    visitor.page.reload()
    visitor.expect_asked()
