"""Every screen of the journey before axe: no serious and no critical finding, in light, dark and high contrast."""

import pytest
from playwright.sync_api import expect

from tests.accessibility import LOOKS, ask_axe, examine_look
from tests.integration.static.journey.conftest import OpenPage
from tests.integration.static.journey.hospital import (
    SNAPSHOTS,
    Hospital,
    ago,
    board,
    board_entry,
    hall_room,
    two_lines,
)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_what_is_wrong_is_found(hospital: Hospital, open_page: OpenPage, look: str) -> None:
    page = open_page("/journey", **LOOKS[look])
    expect(page.locator("#loading-view")).to_be_hidden()
    page.evaluate("document.getElementById('welcome-lead').style.color = '#808080'")
    assert any("color-contrast" in found for found in ask_axe(page, look=look, is_enhanced=True))


@pytest.mark.parametrize("look", LOOKS)
def test_each_state_of_the_journey_is_accessible(hospital: Hospital, open_page: OpenPage, look: str) -> None:
    found = {}
    page = open_page("/journey", **LOOKS[look])
    for state, journey in [*SNAPSHOTS.items(), ("in two lines", two_lines("delayed", "waiting"))]:
        hospital.journey = journey
        hospital.reload(page)
        expect(page.locator("#loading-view")).to_be_hidden()
        if state == "CALLED":
            expect(page.get_by_role("alertdialog")).to_be_visible()
        found[state] = examine_look(page, state, look, is_enhanced=True)
    assert {state: what for state, what in found.items() if what} == {}


@pytest.mark.parametrize("look", LOOKS)
def test_signing_in_is_accessible(hospital: Hospital, open_page: OpenPage, look: str) -> None:
    hospital.is_signed_in = False
    page = open_page("/journey", **LOOKS[look])
    page.get_by_role("button", name="번호 입력").click()
    assert examine_look(page, "the number of a tag", look) == []
    page.get_by_role("button", name="그만두기").click()
    page.get_by_role("button", name="태그 없이 접수하기").click()
    page.locator("#sign-in-button").click()
    expect(page.locator("#last4-error")).to_be_visible()
    assert examine_look(page, "signing in, with an error", look, is_enhanced=True) == []


@pytest.mark.parametrize("look", LOOKS)
def test_the_desk_is_accessible(hospital: Hospital, open_page: OpenPage, look: str) -> None:
    hospital.board = board(board_entry(13, "called"), board_entry(15, "waiting"), board_entry(16, "delayed"))
    page = open_page("/staff/journey", viewport={"width": 1024, "height": 768}, **LOOKS[look])
    page.get_by_label("로그인 이름").fill("desk1")
    page.get_by_label("비밀번호").fill("a-long-password")
    assert examine_look(page, "a desk signs in", look) == []
    page.get_by_role("button", name="로그인").click()
    page.get_by_label("검사", exact=True).select_option("EX-BLOOD")
    assert examine_look(page, "a desk begins its shift", look) == []
    page.get_by_role("button", name="시작하기").click()
    page.get_by_role("button", name="15번 우선").click()
    expect(page.locator("#panel")).to_be_visible()
    assert examine_look(page, "the desk's line, and somebody preferred", look) == []


@pytest.mark.parametrize("look", LOOKS)
def test_the_hall_is_accessible(hospital: Hospital, open_page: OpenPage, look: str) -> None:
    hospital.hall = {"rooms": [hall_room(1, 17), hall_room(2)], "updated_at": ago(0)}
    page = open_page("/hall/HALL-1#key=a-key", viewport={"width": 1920, "height": 1080}, **LOOKS[look])
    expect(page.locator(".hall-room")).to_have_count(2)
    assert examine_look(page, "the hall's screen", look, is_enhanced=True) == []
