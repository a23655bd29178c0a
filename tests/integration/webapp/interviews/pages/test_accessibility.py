"""Every view of the members' pages before axe: no serious and no critical finding, in light, dark and high contrast."""

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import LOOKS, examine_look
from tests.integration.webapp.interviews.members import Member

from .analyses import Analyses
from .conftest import PHONE, Visit

NAMES = {
    "interviews": "the list of interviews",
    "search": "the search",
    "search=지하철": "what was found",
    "highlights": "all highlights",
    "themes": "themes with their quotes",
    "chat": "the conversation",
    "settings": "the settings, as an admin",
}
AN_ANALYSIS = "an analysis, and the line of a quote"


@pytest.mark.parametrize("look", LOOKS)
def test_signing_in_is_accessible(open_page: Visit, look: str) -> None:
    page = open_page("/login", **LOOKS[look])
    page.get_by_role("button", name="로그인").click()
    expect(page.locator("#email-error")).to_be_visible()
    assert examine_look(page, "without an e-mail", look) == []


@pytest.mark.parametrize("look", LOOKS)
def test_each_view_of_a_project_is_accessible(visit: Visit, analyses: Analyses, mina: Member, look: str) -> None:
    done = analyses.add("새벽 배달")
    analyses.complete(done)
    analyses.find_themes(done)
    body = {"firstUtteranceId": 2, "lastUtteranceId": 3, "tags": ["쿠폰"], "note": "다음에 더 물어보기"}
    mina.ask("POST", f"/api/interviews/{done}/highlights", json=body)
    analyses.fail(analyses.add("끊긴 배달"), "끊겼어요.")
    analyses.add("새 배달")
    page = visit("mina", **LOOKS[look])
    found = {}
    for view in (*NAMES, f"interview={done}&line=3"):
        page.goto(f"{page.url.split('#')[0]}#{view}")
        show_whole(page, view)
        found[view] = examine_look(page, NAMES.get(view, AN_ANALYSIS), look)
    page.locator("a.back").first.click()
    expect(page.locator("#projects-rows li")).to_have_count(2)
    found["projects"] = examine_look(page, "the list of projects", look)
    assert {view: what for view, what in found.items() if what} == {}


def show_whole(page: Page, view: str) -> None:
    """Loaded, and with what can be opened."""
    loaded = {
        "search=지하철": "#search-rows .hit",
        "highlights": "#collected-rows .note",
        "themes": "#themes-rows .points",
        "settings": "#costs-body",
    }
    expect(page.locator("#interviews-loading")).to_be_hidden()
    if view in loaded:
        expect(page.locator(loaded[view])).to_be_visible()
    if view == "themes":
        page.locator("#themes-rows .points summary").click()
    if view == "settings":
        expect(page.locator("#members-rows li")).to_have_count(3)
    if "line" in view:
        expect(page.locator("#utterance-3")).to_be_focused()


@pytest.mark.parametrize("look", LOOKS)
def test_what_members_write_is_accessible(visit: Visit, analyses: Analyses, look: str) -> None:
    done = analyses.add("새벽 배달")
    analyses.complete(done)
    page = visit("mina", **LOOKS[look])
    page.goto(f"{page.url}#interview={done}")
    page.locator("#pick-2").click()
    page.get_by_role("button", name="하이라이트 남기기").click()
    page.get_by_label("태그").fill("가" * 41)
    page.get_by_role("button", name="저장", exact=True).click()
    expect(page.locator("#highlight-tags-error")).to_be_visible()
    found = {"highlight": examine_look(page, "a highlight, with an error", look)}
    page.keyboard.press("Escape")
    page.get_by_text("화자 이름 바꾸기").click()
    found["speakers"] = examine_look(page, "naming speakers", look)
    page.get_by_role("link", name="페르소나와 대화").click()
    page.get_by_text("페르소나 만들기", exact=True).click()
    expect(page.locator("#chosen-rows li")).to_have_count(1)
    page.get_by_role("button", name="만들기", exact=True).click()
    found["persona"] = examine_look(page, "a persona, with an error", look)
    assert {what: fault for what, fault in found.items() if fault} == {}


def test_nothing_scrolls_sideways_on_a_phone(visit: Visit, analyses: Analyses) -> None:
    done = analyses.add("아주 긴 제목을 가진 인터뷰" * 8)
    analyses.complete(done)
    page = visit("mina", viewport=PHONE)
    for view in ("interviews", f"interview={done}", "search", "chat"):
        page.goto(f"{page.url.split('#')[0]}#{view}")
        expect(page.locator("#interviews-loading")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_interview_is_opened_and_left_by_keyboard(visit: Visit, analyses: Analyses) -> None:
    analyses.complete(analyses.add("새벽 배달"))
    page = visit("vera", viewport=PHONE)
    page.get_by_role("link", name="새벽 배달").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="새벽 배달")).to_be_focused()
    page.get_by_role("link", name="← 인터뷰 목록").press("Enter")
    expect(page.get_by_role("link", name="새벽 배달")).to_be_focused()
