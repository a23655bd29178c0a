"""Every view of the members' pages before axe: no serious and no critical finding, in light, dark and high contrast."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dev.local.programs import ROOT
from tests.accessibility import examine

from .analyses import Analyses
from .conftest import PHONE, Visit

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "high contrast": {"contrast": "more"},
    "forced colors": {"forced_colors": "active"},
}
NAMES = {"interviews": "the list of interviews", "search": "the search", "chat": "the conversation"}
_RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}"""


def findings(page: Page) -> Any:
    page.evaluate(AXE.read_text())
    return page.evaluate(_RUN)


def faults(page: Page, state: str, look: str) -> Any:
    """What axe finds; in the first look what else is examined, too."""
    axe = findings(page)
    return examine(page, state, axe) if look == "light" else axe


@pytest.mark.parametrize("look", LOOKS)
def test_signing_in_is_accessible(open_page: Visit, look: str) -> None:
    page = open_page("/login", **LOOKS[look])
    page.get_by_role("button", name="로그인").click()
    expect(page.locator("#email-error")).to_be_visible()
    assert faults(page, "without an e-mail", look) == []


@pytest.mark.parametrize("look", LOOKS)
def test_each_view_of_a_project_is_accessible(visit: Visit, analyses: Analyses, look: str) -> None:
    done = analyses.add("새벽 배달")
    analyses.complete(done)
    analyses.fail(analyses.add("끊긴 배달"), "끊겼어요.")
    analyses.add("새 배달")
    page = visit("mina", **LOOKS[look])
    found = {}
    for view in ("interviews", f"interview={done}&line=3", "search", "chat"):
        page.goto(f"{page.url.split('#')[0]}#{view}")
        expect(page.locator("#interviews-loading")).to_be_hidden()
        if "line" in view:
            expect(page.locator("#utterance-3")).to_be_focused()
        found[view] = faults(page, NAMES.get(view, "an analysis, and the line of a quote"), look)
    page.locator("a.back").first.click()
    expect(page.locator("#projects-rows li")).to_have_count(2)
    found["projects"] = faults(page, "the list of projects", look)
    assert {view: what for view, what in found.items() if what} == {}


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
