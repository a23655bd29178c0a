"""The call that cannot be missed: seen, heard, felt, until somebody has read it."""

import os

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.static.journey.conftest import OpenPage
from tests.integration.static.journey.hospital import QUEUE_ID, SNAPSHOTS, Hospital, ago, entry, snapshot
from tests.waiting import wait_until

_HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
# The worker stands below the page's files, so that it is asked for by its own address.
_NOTICES = """async () => {
    const worker = await navigator.serviceWorker.getRegistration("/static/page/journey/");
    return (await worker?.getNotifications() ?? []).map(({ title, body }) => `${title} ${body}`);
}"""
_IS_WORKER_ACTIVE = """async () =>
    Boolean((await navigator.serviceWorker.getRegistration("/static/page/journey/"))?.active)"""


@pytest.fixture
def phone(hospital: Hospital, open_page: OpenPage) -> Page:
    """Waits in line."""
    hospital.journey = SNAPSHOTS["WAITING"]
    page = open_page("/journey", permissions=["notifications"])
    expect(page.locator(".ticket")).to_be_visible()
    wait_until(lambda: page.evaluate("true") and hospital.sockets.get("patient-journey"))
    return page


def turn_sound_on(page: Page) -> None:
    page.get_by_role("button", name="호출 소리 켜기").click()
    expect(page.locator("#sound-part")).to_be_hidden()


def call_of(page: Page) -> Locator:
    return page.get_by_role("alertdialog")


def hide(page: Page, *, is_hidden: bool = True) -> None:
    """As another tab before it does."""
    page.evaluate(_HIDE, is_hidden)


def notices_of(page: Page) -> list[str]:
    """The notifications that the page's worker shows."""
    shown: list[str] = page.evaluate(_NOTICES)
    return shown


def tones(page: Page) -> int:
    counted: int = page.evaluate("told.tones")
    return counted


def test_a_call_fills_the_screen_and_takes_the_focus(hospital: Hospital, phone: Page) -> None:
    hospital.call()
    expect(call_of(phone)).to_be_visible()
    expect(call_of(phone)).to_contain_text("17")
    expect(call_of(phone)).to_contain_text("지금 1층 채혈실로 오세요")
    expect(phone.get_by_role("button", name="지금 갈게요")).to_be_focused()
    expect(phone.get_by_role("button", name="지금 갈게요")).to_be_in_viewport(ratio=1)
    box = call_of(phone).bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (360, 640)


def test_at_200_percent_number_and_button_are_both_seen(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["CALLED"]
    page = open_page("/journey", viewport={"width": 180, "height": 320})
    expect(page.locator("#call-number")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="지금 갈게요")).to_be_in_viewport(ratio=1)


def test_a_call_changes_title_and_icon_until_it_is_read(hospital: Hospital, phone: Page) -> None:
    icon = phone.locator("link[rel=icon]")
    hospital.call()
    expect(phone).to_have_title("🔔 17번, 지금 오세요")
    assert "call_icon" in str(icon.get_attribute("href"))
    phone.get_by_role("button", name="지금 갈게요").click()
    expect(phone).to_have_title("내 진료 · 웰노 진료 안내")
    assert "call_icon" not in str(icon.get_attribute("href"))


def test_escape_puts_no_call_away(hospital: Hospital, phone: Page) -> None:
    hospital.call()
    expect(call_of(phone)).to_be_visible()
    phone.keyboard.press("Escape")
    phone.keyboard.press("Escape")
    expect(call_of(phone)).to_be_visible()


def test_a_call_sounds_for_three_minutes_shakes_and_speaks(hospital: Hospital, phone: Page) -> None:
    turn_sound_on(phone)
    before = tones(phone)
    hospital.call()
    expect(call_of(phone)).to_be_visible()
    assert tones(phone) - before == 3 * 45  # three rising tones, every four seconds
    assert phone.evaluate("told.vibrations.at(-1)") == [800, 300] * 5
    assert phone.evaluate("told.spoken.at(-1)").startswith("17번 님, 지금 1층 채혈실로 오세요")


def test_a_repeated_call_begins_anew(hospital: Hospital, phone: Page) -> None:
    turn_sound_on(phone)
    hospital.call()
    phone.get_by_role("button", name="지금 갈게요").click()
    expect(call_of(phone)).to_be_hidden()
    before = tones(phone)
    hospital.call(seq=6, call_count=2)
    expect(call_of(phone)).to_be_visible()
    assert tones(phone) - before == 3 * 45


def test_who_reads_a_call_tells_the_desk_and_sees_where_to_go(hospital: Hospital, phone: Page) -> None:
    notice = {"id": "n-1", "kind": "patient_called", "queue_id": QUEUE_ID, "read_at": None}
    hospital.answers["GET /notifications"] = {"notifications": [notice]}
    hospital.answers["POST /notifications/n-1/read"] = {"success": True}
    hospital.call()
    phone.get_by_role("button", name="지금 갈게요").click()
    expect(phone.get_by_role("heading", name="지금 들어오세요")).to_be_visible()
    expect(phone.get_by_role("button", name="검사실에 들어왔어요")).to_be_visible()
    wait_until(lambda: phone.evaluate("true") and hospital.asked_for("POST /notifications/n-1/read") == [None])


def test_a_call_that_was_read_stays_read_when_the_page_is_opened_again(hospital: Hospital, phone: Page) -> None:
    hospital.call()
    phone.get_by_role("button", name="지금 갈게요").click()
    hospital.reload(phone)
    expect(phone.get_by_role("heading", name="지금 들어오세요")).to_be_visible()
    expect(call_of(phone)).to_be_hidden()


def test_a_withdrawn_call_goes_away(hospital: Hospital, phone: Page) -> None:
    hospital.call()
    expect(call_of(phone)).to_be_visible()
    withdrawn = {"type": "call_withdrawn", "seq": 7, "epoch": "e", "data": entry("waiting")}
    hospital.move_to(snapshot("WAITING", entry("waiting"), seq=6), withdrawn)
    expect(call_of(phone)).to_be_hidden()
    expect(phone.locator("#toasts")).to_contain_text("호출이 취소됐어요.")


def test_behind_another_tab_a_call_is_a_notification_that_names_no_exam(hospital: Hospital, phone: Page) -> None:
    if phone.evaluate("Notification.permission") == "denied" and not os.environ.get("CI"):
        pytest.skip("this Chromium is a headless shell, which shows no notifications")
    turn_sound_on(phone)
    wait_until(lambda: phone.evaluate(_IS_WORKER_ACTIVE))
    hide(phone)
    hospital.call()
    assert wait_until(lambda: notices_of(phone)) == ["진료 순서가 되었어요 눌러서 확인해 주세요."]
    hide(phone, is_hidden=False)
    expect(call_of(phone)).to_be_visible()
    phone.get_by_role("button", name="지금 갈게요").click()
    wait_until(lambda: notices_of(phone) == [])


def test_a_call_that_came_while_the_network_was_away_is_there_within_seconds(hospital: Hospital, phone: Page) -> None:
    hospital.cut()
    expect(phone.locator("#connection")).to_be_visible()
    hospital.journey = snapshot("CALLED", entry("called", called_at=ago(90)), seq=5)
    hospital.is_away = False
    phone.evaluate("dispatchEvent(new Event('online'))")
    expect(call_of(phone)).to_be_visible()


def test_a_call_to_a_locked_phone_is_shown_when_it_wakes(hospital: Hospital, phone: Page) -> None:
    # Without windows Chromium freezes no page, so the page is told what it would be told.
    phone.evaluate("document.dispatchEvent(new Event('freeze'))")
    hospital.journey = snapshot("CALLED", entry("called", called_at=ago(90)), seq=5)
    phone.evaluate("document.dispatchEvent(new Event('resume'))")
    expect(call_of(phone)).to_be_visible()


def test_an_open_call_is_shown_at_once_to_who_opens_the_page(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["CALLED"]
    page = open_page("/journey")
    expect(call_of(page)).to_be_visible()


def test_the_bell_stands_still_for_who_wants_no_motion(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["CALLED"]
    page = open_page("/journey", reduced_motion="reduce")
    expect(call_of(page)).to_be_visible()
    assert page.locator(".bell").evaluate("bell => getComputedStyle(bell).animationIterationCount") == "1"
