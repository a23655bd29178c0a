"""The form on a phone: purpose, details, consent, one after the other, and back again."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect

from dev.local.programs import ROOT
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import REPORT, Visitor
from tests.end_to_end.browser.people import Phones, Someone
from webapp import pages

_NOBODY = Someone("김하늘", "19840517", "01099999996")
_STEPS = {1: "무엇을 볼까요?", 2: "본인 정보", 3: "동의"}


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor(viewport={"width": 375, "height": 667})


def expect_step(page: Page, step: int) -> None:
    """This one alone."""
    expect(page.get_by_text(f"3단계 중 {step}단계")).to_be_visible()
    for number, title in _STEPS.items():
        expect(page.get_by_role("group", name=title, exact=True)).to_be_visible(visible=number == step)
    expect(page.get_by_role("button", name="동의하고 인증 요청 받기")).to_be_visible(visible=step == 3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_phone_asks_one_thing_after_the_other(visitor: Visitor, phones: Phones) -> None:
    visitor.open()
    expect_step(visitor.page, 1)
    visitor.go_on()
    expect_step(visitor.page, 2)
    expect(visitor.page.get_by_text("3단계 중 2단계")).to_be_focused()
    visitor.page.get_by_role("button", name="이전").click()
    expect_step(visitor.page, 1)
    person = phones.add_person()
    visitor.fill_in(person)
    expect_step(visitor.page, 3)
    visitor.submit()
    visitor.expect_asked()


def test_a_step_is_left_once_it_is_filled_in_well(visitor: Visitor) -> None:
    visitor.open()
    visitor.go_on()
    visitor.page.get_by_label("이름", exact=True).fill("김하늘")
    visitor.page.keyboard.press("Enter")  # as a phone's own keyboard sends a form
    expect_step(visitor.page, 2)
    expect(visitor.page.get_by_role("group", name="아래 4가지를 확인해 주세요.")).to_be_focused()
    expect(visitor.page.locator("#consents-error")).to_be_hidden()


def test_the_browsers_way_back_leads_to_the_step_before(visitor: Visitor) -> None:
    visitor.open("/sign-in")
    visitor.open()
    visitor.fill_in(_NOBODY, REPORT)
    visitor.page.go_back()
    expect_step(visitor.page, 2)
    expect(visitor.page.get_by_label("이름", exact=True)).to_have_value(_NOBODY.name)
    visitor.page.get_by_role("button", name="이전").click()
    expect_step(visitor.page, 1)
    visitor.page.go_back()
    visitor.page.wait_for_url("**/sign-in")


def test_a_reload_keeps_the_step_and_its_way_back(visitor: Visitor) -> None:
    visitor.open("/sign-in")
    visitor.open()
    visitor.go_on()
    visitor.page.reload()
    expect_step(visitor.page, 2)
    visitor.page.get_by_role("button", name="이전").click()
    expect_step(visitor.page, 1)
    visitor.page.go_forward()
    expect_step(visitor.page, 2)
    visitor.page.go_back()
    expect_step(visitor.page, 1)
    visitor.page.go_back()
    visitor.page.wait_for_url("**/sign-in")


def test_a_link_within_the_page_leaves_the_button_its_way(visitor: Visitor) -> None:
    visitor.open()
    visitor.go_on()
    skip = visitor.page.get_by_role("link", name="본문으로 건너뛰기")
    skip.focus()
    skip.press("Enter")
    visitor.page.wait_for_url("**/#main")
    visitor.page.get_by_role("button", name="이전").click()
    expect_step(visitor.page, 1)


def test_who_waits_for_the_phone_leaves_the_page_by_the_way_back(visitor: Visitor, phones: Phones) -> None:
    visitor.open("/sign-in")
    visitor.begin(phones.add_person())
    visitor.page.evaluate("history.back()")
    visitor.page.wait_for_url("**/sign-in")


def test_what_the_server_refuses_leads_to_its_step(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(Someone("김하늘@", "19840517", "01099999995"))
    visitor.submit()
    expect_step(visitor.page, 2)
    expect(visitor.page.get_by_label("이름", exact=True)).to_be_focused()
    visitor.page.get_by_role("button", name="이전").click()
    expect_step(visitor.page, 1)


def test_details_that_fit_nobody_lead_to_the_step_of_the_details(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY)
    visitor.submit()
    expect(visitor.page.locator("#form-notice")).to_be_focused(timeout=15_000)
    expect_step(visitor.page, 2)


def test_a_wide_screen_asks_everything_at_once(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(viewport={"width": 1280, "height": 800})
    visitor.open()
    for title in _STEPS.values():
        expect(visitor.page.get_by_role("group", name=title, exact=True)).to_be_visible()
    for gone in ("#step-count", "#step-next", "#step-back"):
        expect(visitor.page.locator(gone)).to_be_hidden()


@pytest.mark.parametrize("width", [375, 1280])
def test_a_person_of_the_demo_fills_in_the_form_with_one_tap(
    new_visitor: NewVisitor, phones: Phones, width: int
) -> None:
    """On the page as a demo has it: the product of these tests is none."""
    visitor, person = new_visitor(viewport={"width": width, "height": 800}), phones.add_person()
    invented = {"user_name": person.name, "birthdate": person.birthdate, "phone_no": person.phone, "gender": "M"}
    visitor.page.route(visitor.url + "/", lambda route: _fulfill(route, {**invented, "about": "건강검진 10건"}))
    visitor.open()
    visitor.page.get_by_role("button", name=f"{person.name} 건강검진 10건").click()
    expect(visitor.page.get_by_role("button", name="동의하고 인증 요청 받기")).to_be_focused()
    visitor.submit()
    visitor.expect_asked()


def _fulfill(route: Route, person: dict[str, str]) -> None:
    answer = route.fetch()
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.jinja_env.globals["demo_people"] = [person]
    app.register_blueprint(pages.blueprint)
    shown = re.search(r'<section class="notice demo-people".*?</section>', app.test_client().get("/").text, re.DOTALL)
    assert shown
    place = '<div id="form-notice"'
    assert place in answer.text()
    route.fulfill(response=answer, body=answer.text().replace(place, shown[0] + place))
