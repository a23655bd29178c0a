"""Who declines on the phone is respected: told as their own choice, with ways on, never as a mistake."""

import re

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones

TITLE = "인증 요청을 거절하셨어요"
SIZES = pytest.mark.parametrize(("width", "height"), [(375, 800), (1280, 900)])


def expect_declined(visitor: Visitor) -> None:
    page = visitor.page
    expect(page.get_by_role("heading", name=TITLE)).to_be_focused()
    expect(page.get_by_text("아직 아무 기록도 가져오지 않았어요.")).to_be_visible()
    expect(page.get_by_role("button", name="요청 다시 보내기")).to_be_visible()
    expect(page.get_by_role("button", name="다른 앱으로 인증하기")).to_be_visible()
    for gone in ("#phone", "#approve-button", "#bar", "#steps", "#retry", "#elsewhere", "#countdown", "#spinner"):
        expect(page.locator(gone)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@SIZES
def test_a_decline_is_told_as_a_choice_and_may_be_asked_again(
    new_visitor: NewVisitor, phones: Phones, width: int, height: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": height})
    person = phones.add_person()
    visitor.begin(person)
    phones.decline(person)
    expect_declined(visitor)
    visitor.page.get_by_role("button", name="요청 다시 보내기").click()
    visitor.expect_asked()
    expect(visitor.page.get_by_role("button", name="다른 앱으로 인증하기")).to_be_hidden()
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()


def test_a_reload_after_a_decline_shows_it_again(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.decline(person)
    expect_declined(visitor)
    visitor.page.reload()
    expect_declined(visitor)


def test_another_app_is_chosen_in_the_form_as_it_was_filled_in(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.decline(person)
    expect_declined(visitor)
    visitor.page.get_by_role("button", name="다른 앱으로 인증하기").click()
    expect(visitor.page.get_by_label("이름", exact=True)).to_have_value(person.name)
    visitor.page.get_by_text("네이버", exact=True).click()
    visitor.submit()
    expect(visitor.page.get_by_text("네이버 앱을 열어 주세요.")).to_be_visible()
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()


def test_a_push_that_takes_long_may_be_sent_again(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    first = phones.provider.cx_id_of(person.phone)
    expect(visitor.page.locator("#retry-reference code")).to_have_text(re.compile("[0-9a-f-]{36}"), timeout=20_000)
    visitor.page.locator("#retry").get_by_role("button", name="요청 다시 보내기").click()
    expect(visitor.page.locator("#retry")).to_be_hidden()
    visitor.expect_asked()
    phones.provider.wait_for_another(person.phone, first)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
