"""Every state of the records' pages, on a phone and in the dark: axe finds nothing at all, and neither do the keyboard,
forced colours and twice the text. Of the other pages what is shown before anybody is known."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import SPOILT, ask_axe, examine
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import REPORT, TREND, Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.provider import TREATMENTS

pytestmark = pytest.mark.timeout(240)

PHONE = {"width": 360, "height": 640}
PASSWORD = "804251"
STRANGER = "before anybody is known"
# One that exists leads on at once: whether it does here depends on the tests before.
UNKNOWN_TAG = "/t/no-such-tag-0000000000000000"
FIRST_VIEWS = (
    *("/", "/sign-in", "/my", "/my/withdrawn", "/my/erased", "/results-trend", "/disease-report", "/nowhere"),
    *("/journey", UNKNOWN_TAG, "/staff/journey", "/hall/HALL-1"),
    *("/login", "/threads", "/staff/runs"),
)
_SPOIL = """() => {
    const sheet = [...document.styleSheets].at(-1);
    for (const rule of [
        "*:focus-visible { outline: none !important; box-shadow: none !important }",
        "h1 { height: 1.2rem; overflow: hidden }",
        "main { min-width: 22rem }",
    ]) sheet.insertRule(rule, sheet.cssRules.length);
    const button = document.querySelector("main button");
    Object.assign(button.style, { forcedColorAdjust: "none", color: "red", backgroundColor: "red" });
    document.querySelector("h1").animate({ opacity: [0, 1] }, { duration: 1000, iterations: Infinity });
    [...document.querySelectorAll("main input")].at(-1).tabIndex = 1;
}"""
Look = Callable[[str], None]


def findings(page: Page, look: str = "light") -> list[str]:
    found = ask_axe(page, look=look)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    return found


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest) -> str:
    scheme: str = request.param
    return scheme


@pytest.fixture
def visitor(colours: str, new_visitor: NewVisitor) -> Visitor:
    return new_visitor(viewport=PHONE, color_scheme=colours, reduced_motion="reduce")


@pytest.fixture
def look(visitor: Visitor, colours: str) -> Any:
    """Notes what is wrong with a state; at the end that was nothing."""
    found: dict[tuple[str, str], list[str]] = {}

    def note(state: str) -> None:
        axe = findings(visitor.page, colours)
        found[visitor.page.url, state] = examine(visitor.page, state, axe) if colours == "light" else axe

    yield note
    assert {state: what for state, what in found.items() if what} == {}


def test_the_pages_before_anybody_is_known_are_accessible(visitor: Visitor, look: Look) -> None:
    for path in FIRST_VIEWS:
        visitor.open(path)
        expect(visitor.page.get_by_role("heading").first).to_be_visible()
        if path == UNKNOWN_TAG:
            expect(visitor.page.get_by_role("heading", name="태그를 읽지 못했어요")).to_be_visible()
        look(STRANGER)


def test_the_forms_with_errors_are_accessible(visitor: Visitor, look: Look) -> None:
    visitor.open("/sign-in")
    visitor.page.get_by_role("button", name="기록 열기").click()
    expect(visitor.page.locator("[aria-invalid=true]").first).to_be_visible()
    look("signing in, with errors")
    visitor.open("/")
    visitor.go_on()
    look("the details")
    visitor.go_on()
    expect(visitor.page.locator("[aria-invalid=true]").first).to_be_visible()
    look("the details with errors")


def test_the_way_to_the_trend_is_accessible(visitor: Visitor, phones: Phones, look: Look) -> None:
    page, person = visitor.page, phones.add_person(checkups=3, prescriptions=30)
    visitor.open()
    visitor.fill_in(person, TREND)
    look("the consents, all of them given")
    visitor.page.get_by_label("서비스 이용약관").uncheck()
    visitor.submit()
    expect(visitor.page.locator("#consents-error")).to_be_visible()
    look("a consent that is missing")
    visitor.page.get_by_label("서비스 이용약관").check()
    visitor.submit()
    visitor.expect_asked()
    look("waiting for the phone")
    phones.approve(person)
    visitor.expect_results()
    expect(visitor.offer).to_be_visible(timeout=30_000)
    look("the offer of a password")
    visitor.take_offer()
    look("the password's dialog")
    visitor.type_password(PASSWORD)
    expect(visitor.dialog).to_be_hidden()
    expect(page.locator("#live")).to_be_hidden(timeout=20_000)
    look("the trend")
    for group in ("체중과 비만도", "그 밖의 검사 결과"):
        visitor.open_group(group)
    expect(page.get_by_role("img", name="체중 그래프")).to_be_visible()
    look("the trend with a group of charts")
    page.get_by_text("약별").click()
    expect(page.locator("#visits-rows .medicine").first).to_be_visible()
    look("the trend by medicine")
    page.get_by_role("button", name="표로 보기").first.click()
    page.get_by_role("button", name="표로 보기").last.click()
    look("the trend with tables")
    page.get_by_role("link", name="내 정보").click()
    expect(page.locator("#looks-rows li").first).to_be_visible(timeout=20_000)
    look("my data")
    visitor.open("/disease-report")
    expect(page.locator("#nothing")).to_be_visible(timeout=20_000)
    look("no report")
    page.context.clear_cookies()
    visitor.open("/results-trend")
    page.get_by_label("비밀번호", exact=True).fill("111222")
    page.get_by_role("button", name="기록 열기").click()
    expect(page.locator("#password-error")).to_be_visible(timeout=20_000)
    look("locked, after a wrong password")


def test_a_decline_and_the_report_are_accessible(visitor: Visitor, phones: Phones, look: Look) -> None:
    person = phones.add_person(checkups=2)
    visitor.begin(person, REPORT)
    phones.decline(person)
    expect(visitor.page.get_by_role("heading", name="인증 요청을 거절하셨어요")).to_be_focused()
    look("declined")
    visitor.page.get_by_role("button", name="요청 다시 보내기").click()
    visitor.expect_asked()
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        expect(visitor.page.locator("#bar-text")).to_contain_text("%", timeout=20_000)
        look("collecting")
    visitor.put_password_off()
    visitor.expect_results("/disease-report")
    look("the report")


def test_the_states_of_a_request_are_accessible(visitor: Visitor, phones: Phones, look: Look) -> None:
    refusal = {"success": False, "error": {"code": "RATE_LIMITED", "message": "너무 많아요."}, "request_id": "r-1"}
    page = visitor.page
    page.route("**/simple-auth?*", lambda route: route.fulfill(status=429, headers={"Retry-After": "75"}, json=refusal))
    visitor.open()
    visitor.fill_in(phones.add_person())
    visitor.submit()
    expect(page.get_by_role("heading", name="인증 요청을 너무 많이 보냈어요")).to_be_visible()
    look("too many requests")
    page.unroute("**/simple-auth?*")
    page.reload()
    visitor.expect_asked()
    expect(page.locator("#retry")).to_be_visible(timeout=20_000)
    look("a request that takes long")
    page.get_by_role("button", name="정보 고치기").click()
    expect(page.locator("#form-notice")).to_be_visible()
    look("the details, to be corrected")


def test_what_is_wrong_is_found(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(viewport=PHONE)
    visitor.open("/sign-in")
    visitor.page.get_by_role("heading").first.wait_for()
    visitor.page.evaluate(_SPOIL)
    found = examine(visitor.page, SPOILT, [])
    for column in ("order", "unseen", "forced_colours", "motion"):
        assert any(fault.startswith(column) for fault in found), column
    assert any("wider than the screen" in fault for fault in found)
    assert any(fault.startswith("large_text: <h1") for fault in found)
