"""The patient's page: who somebody is, what each state shows, and what happens without a network."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.integration.static.journey.conftest import OpenPage
from tests.integration.static.journey.hospital import (
    OTHER_QUEUE_ID,
    QUEUE_ID,
    SNAPSHOTS,
    Hospital,
    entry,
    refusal,
    snapshot,
    token,
    two_lines,
)
from tests.sun_tags import VECTOR
from tests.waiting import wait_until

LOGIN = "POST /auth/simple-login"
MAIN_BUTTONS = {
    "ARRIVED": "접수하기",
    "REGISTERED": "첫 검사 대기하기",
    "WAITING": "잠깐 자리 비우기",
    "COMPLETED": "다음 검사로",
    "PAYMENT": "수납 완료",
    "FINISHED": "집으로",
}


def fill_in(page: Page, last4: str = "0001", *birth: str) -> None:
    page.get_by_label("휴대폰 번호 끝 네 자리").fill(last4)
    for label, part in zip(("년", "월", "일"), birth or ("1940", "2", "1"), strict=True):
        page.get_by_label(label, exact=True).fill(part)
    page.locator("#sign-in-button").click()


@pytest.fixture
def stranger(hospital: Hospital, open_page: OpenPage) -> Page:
    hospital.is_signed_in = False
    return open_page("/journey")


@pytest.fixture
def login(stranger: Page) -> Page:
    stranger.get_by_role("button", name="태그 없이 접수하기").click()
    return stranger


def signed_in(journey: dict[str, Any]) -> dict[str, Any]:
    return {
        "access_token": token(),
        "user": {"user_id": "u-1", "name": "시연001", "role": "patient"},
        "journey": journey,
    }


def test_a_stranger_sees_the_ways_in_that_the_phone_has(stranger: Page) -> None:
    expect(stranger.get_by_role("heading", name="어서 오세요")).to_be_focused()
    expect(stranger.get_by_role("button", name="QR 찍기")).to_have_class("wide primary")
    expect(stranger.get_by_role("button", name="번호 입력")).to_be_visible()
    expect(stranger.get_by_role("button", name="태그에 대기")).to_be_hidden()


def test_a_typed_tag_leads_to_the_question_who_it_is(hospital: Hospital, stranger: Page) -> None:
    hospital.answers["POST /nfc/scan/"] = {"tag": {"title": "정문"}, "scan_token": "scan-1", "journey": None}
    stranger.get_by_role("button", name="번호 입력").click()
    stranger.get_by_label("태그 번호").fill("ab12cd34")
    stranger.get_by_role("button", name="확인", exact=True).click()
    hospital.journey = SNAPSHOTS["REGISTERED"]
    hospital.answers[LOGIN] = signed_in(hospital.journey)
    fill_in(stranger)
    expect(stranger.get_by_role("heading", name="접수했어요")).to_be_focused()
    [scanned] = hospital.asked_for("POST /nfc/scan/")
    [told] = hospital.asked_for(LOGIN)
    assert (scanned["tag_code"], scanned["via"]) == ("AB12-CD34", "typed")
    assert (told["scan_token"], told["birth_date"]) == ("scan-1", "1940-02-01")


def test_a_wrong_number_is_told_without_blame(hospital: Hospital, login: Page) -> None:
    hospital.answers[LOGIN] = refusal(404, "PATIENT_NOT_FOUND")
    fill_in(login)
    expect(login.locator("#login-failed")).to_have_text("번호나 생년월일을 다시 확인해 주세요.")
    expect(login.get_by_label("휴대폰 번호 끝 네 자리")).to_have_value("0001")


def test_a_day_that_no_calendar_has_is_told_at_its_fields(login: Page) -> None:
    fill_in(login, "0001", "1950", "2", "30")
    expect(login.locator("#birth-error")).to_have_text("생년월일을 다시 확인해 주세요.")
    expect(login.get_by_label("년", exact=True)).to_be_focused()


def test_two_who_share_digits_and_day_are_told_apart_by_name(hospital: Hospital, login: Page) -> None:
    hospital.journey = SNAPSHOTS["REGISTERED"]
    hospital.answers[LOGIN] = lambda body: (
        (200, signed_in(hospital.journey)) if body.get("name") else refusal(409, "AMBIGUOUS_LOGIN")
    )
    fill_in(login, "0301", "1950", "5", "5")
    name = login.get_by_label("이름")
    expect(name).to_be_focused()
    name.fill("시연301")
    login.locator("#sign-in-button").click()
    expect(login.get_by_role("heading", name="접수했어요")).to_be_visible()


@pytest.mark.parametrize("state", MAIN_BUTTONS)
def test_each_state_has_one_main_button_that_is_seen_at_once(
    hospital: Hospital, open_page: OpenPage, state: str
) -> None:
    hospital.journey = SNAPSHOTS[state]
    page = open_page("/journey")
    button = page.locator("#state-buttons .primary")
    expect(button).to_have_text(MAIN_BUTTONS[state])
    expect(button).to_be_in_viewport(ratio=1)


def low_buttons(page: Page) -> list[str]:
    """Those that are seen and are not 56 px high."""
    found: list[str] = page.evaluate("""
        [...document.querySelectorAll("button, a.button")].filter((button) => button.checkVisibility())
            .filter((button) => button.getBoundingClientRect().height < 56).map((button) => button.outerHTML)
    """)
    return found


def test_each_button_of_each_state_is_high_enough(hospital: Hospital, open_page: OpenPage) -> None:
    page = open_page("/journey")
    for state, journey in SNAPSHOTS.items():
        hospital.journey = journey
        hospital.reload(page)
        expect(page.locator("#sign-out")).to_be_visible()
        assert low_buttons(page) == [], state
    expect(page.locator("#state-title")).to_have_text("다 끝났어요")
    page.locator("#sign-out").click()
    expect(page.locator("#confirm")).to_be_visible()
    assert low_buttons(page) == []


def test_each_button_of_a_note_is_high_enough(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    page = open_page("/journey")
    page.locator("#sound-on").click()
    expect(page.locator(".toast")).to_be_visible()
    assert low_buttons(page) == []


def test_each_button_on_the_way_in_is_high_enough(stranger: Page) -> None:
    for way, title in [("#way-typed", "#typed-title"), ("#way-login", "#login-title")]:
        expect(stranger.locator("#welcome-title")).to_be_visible()
        assert low_buttons(stranger) == []
        stranger.locator(way).click()
        expect(stranger.locator(title)).to_be_visible()
        assert low_buttons(stranger) == []
        if way == "#way-typed":
            stranger.get_by_role("button", name="그만두기").click()


def test_who_waits_sees_number_place_and_time(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    page = open_page("/journey")
    ticket = page.locator(".ticket")
    for text in ("17", "앞에 3명", "약 15분 (10~25분)", "1층 채혈실"):
        expect(ticket).to_contain_text(text)
    assert page.locator(".ticket .number").evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 96
    expect(page.get_by_role("img", name="1층 지도")).to_be_visible()
    wait_until(lambda: page.evaluate("true") and hospital.sockets.get("queue"))
    update = {"queue_id": entry("waiting")["queue_id"], "state": "waiting", "position": 2, "ahead": 1}
    hospital.tell("queue", {"type": "queue.update", "seq": 9, "epoch": "e", "data": update})
    expect(ticket).to_contain_text("앞에 1명")


def answer_delays(hospital: Hospital, blood: str, xray: str) -> None:
    """In two lines, and each step aside and each way back is taken."""
    states = {QUEUE_ID: blood, OTHER_QUEUE_ID: xray}
    hospital.journey = two_lines(*states.values())

    def answer(queue_id: str, body: Any) -> tuple[int, Any]:
        states[queue_id] = "delayed" if body["delayed"] else "waiting"
        hospital.journey = two_lines(*states.values(), seq=hospital.journey["last_seq"] + 1)
        return 200, {"success": True}

    for queue_id in states:
        hospital.answers[f"POST /queue/{queue_id}/delay"] = lambda body, queue_id=queue_id: answer(queue_id, body)


def test_who_steps_aside_of_one_of_two_lines_comes_back_by_the_page(hospital: Hospital, open_page: OpenPage) -> None:
    answer_delays(hospital, "waiting", "waiting")
    page = open_page("/journey")
    page.get_by_role("button", name="채혈 잠깐 자리 비우기").click()
    expect(page.get_by_role("heading", name="흉부 X선 차례를 기다려요")).to_be_visible()
    back = page.locator("#state-buttons .primary")
    expect(back).to_have_text("채혈에 돌아왔어요")
    expect(back).to_be_in_viewport(ratio=1)
    expect(back).to_be_focused()
    expect(page.get_by_role("button", name="흉부 X선 잠깐 자리 비우기")).to_be_visible()
    assert low_buttons(page) == []
    back.click()
    expect(page.get_by_role("heading", name="채혈 차례를 기다려요")).to_be_visible()
    asked = hospital.asked_for(f"POST /queue/{QUEUE_ID}/delay")
    assert asked == [{"delayed": True}, {"delayed": False}]
    assert hospital.asked_for(f"POST /queue/{OTHER_QUEUE_ID}/delay") == []


def test_each_of_two_lines_has_its_own_way_out_and_back(hospital: Hospital, open_page: OpenPage) -> None:
    answer_delays(hospital, "delayed", "delayed")
    page = open_page("/journey")
    expect(page.locator("#state-buttons .primary")).to_have_text("채혈에 돌아왔어요")
    other = page.locator(".others").get_by_role("button")
    expect(other).to_have_text("돌아왔어요")
    assert low_buttons(page) == []
    other.click()
    expect(page.get_by_role("button", name="흉부 X선 잠깐 자리 비우기")).to_be_focused()
    page.get_by_role("button", name="채혈에 돌아왔어요").click()
    expect(page.locator("#state-buttons")).to_have_text("채혈 잠깐 자리 비우기")
    expect(page.locator(".others").get_by_role("button", name="흉부 X선 잠깐 자리 비우기")).to_be_visible()
    assert hospital.asked_for(f"POST /queue/{OTHER_QUEUE_ID}/delay") == [{"delayed": False}]


def test_who_has_stepped_aside_twice_is_offered_the_way_back_alone(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = two_lines("waiting", "delayed", delays_left=0)
    page = open_page("/journey")
    wait_connected(hospital, page)
    expect(page.locator("#state-buttons")).to_have_text("흉부 X선에 돌아왔어요")
    expect(page.locator(".others").get_by_role("button")).to_have_count(0)
    hospital.move_to(two_lines("waiting", "waiting", delays_left=0, seq=4))
    expect(page.locator(".others")).to_contain_text("21번 · 앞에 3명")
    expect(page.locator("#state-view").get_by_role("button", name="자리 비우기")).to_have_count(0)
    hospital.move_to(two_lines("waiting", "waiting", delays_left=2, seq=5))
    expect(page.get_by_role("button", name="채혈 잠깐 자리 비우기")).to_be_visible()


def test_who_steps_aside_once_too_often_is_told_so(hospital: Hospital, open_page: OpenPage) -> None:
    """The last time may have been on another phone, a moment ago."""
    hospital.journey = two_lines("waiting", "delayed", delays_left=1)
    refused = refusal(409, "STATE_CONFLICT", details={"state": "waiting", "room": "R-101", "delays_left": 0})

    def refuse(_: Any) -> tuple[int, Any]:
        hospital.journey = two_lines("waiting", "delayed", delays_left=0)
        return refused

    hospital.answers[f"POST /queue/{QUEUE_ID}/delay"] = refuse
    page = open_page("/journey")
    wait_connected(hospital, page)
    page.get_by_role("button", name="채혈 잠깐 자리 비우기").click()
    expect(page.locator("#state-failed")).to_contain_text("두 번까지만 비울 수 있어요.")
    expect(page.locator("#state-buttons")).to_have_text("흉부 X선에 돌아왔어요")


@pytest.mark.parametrize("state", ["CALLED", "IN_PROGRESS"])
def test_who_is_called_or_inside_sees_the_line_in_which_they_stepped_aside(
    hospital: Hospital, open_page: OpenPage, state: str
) -> None:
    def journey(xray: str) -> dict[str, Any]:
        return two_lines(state.lower(), xray, journey_state=state)

    def return_to_line(_: Any) -> tuple[int, Any]:
        hospital.journey = journey("waiting")
        return 200, {}

    hospital.journey = journey("delayed")
    hospital.answers[f"POST /queue/{OTHER_QUEUE_ID}/delay"] = return_to_line
    page = open_page("/journey")
    if state == "CALLED":
        page.get_by_role("button", name="지금 갈게요").click()
    expect(page.locator(".others")).to_contain_text("21번 · 자리를 비웠어요")
    expect(page.get_by_text("수납만 하면 돼요")).to_have_count(0)
    page.get_by_role("button", name="흉부 X선에 돌아왔어요").click()
    expect(page.locator(".others")).to_contain_text("21번 · 앞에 3명")
    expect(page.locator(".others").get_by_role("button")).to_have_count(0)
    assert hospital.asked_for(f"POST /queue/{OTHER_QUEUE_ID}/delay") == [{"delayed": False}]


def test_an_action_is_sent_once_with_its_key_and_the_state_it_expects(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = snapshot("COMPLETED", actions=("make_payment",), appointments=[])
    hospital.answers["GET /patient-journey/itinerary"] = {"stops": [], "total_minutes": 0}
    page = open_page("/journey")
    wait_connected(hospital, page)
    page.get_by_role("button", name="수납하기").dblclick()
    [sent] = wait_until(lambda: page.evaluate("true") and [one for one in hospital.sent if "command" in one])
    assert (sent["action_type"], sent["expected_state"]) == ("make_payment", "COMPLETED")
    assert sent["idempotency_key"]
    payload = snapshot("PAYMENT", actions=("make_payment",), seq=4)
    answer = {"type": "action_result", "success": True, "payload": payload, "request_id": sent["request_id"]}
    hospital.tell("patient-journey", answer)
    expect(page.get_by_role("heading", name="수납해 주세요")).to_be_focused()


def test_a_second_press_does_not_confirm_the_payment_that_the_first_opened(
    hospital: Hospital, open_page: OpenPage
) -> None:
    hospital.journey = snapshot("COMPLETED", actions=("make_payment",), appointments=[])
    hospital.answers["GET /patient-journey/itinerary"] = {"stops": [], "total_minutes": 0}
    page = open_page("/journey")
    wait_connected(hospital, page)
    page.get_by_role("button", name="수납하기").click()
    [sent] = wait_until(lambda: page.evaluate("true") and commands_of(hospital))
    payload = snapshot("PAYMENT", actions=("make_payment",), seq=4)
    answer = {"type": "action_result", "success": True, "payload": payload, "request_id": sent["request_id"]}
    hospital.tell("patient-journey", answer)
    confirm = page.get_by_role("button", name="수납 완료")
    expect(confirm).to_be_visible()
    confirm.click(force=True)
    page.wait_for_timeout(300)
    assert commands_of(hospital) == [sent]
    confirm.click()
    wait_until(lambda: page.evaluate("true") and len(commands_of(hospital)) == 2)
    assert commands_of(hospital)[1]["expected_state"] == "PAYMENT"


def commands_of(hospital: Hospital) -> list[dict[str, Any]]:
    return [one for one in hospital.sent if "command" in one]


def wait_connected(hospital: Hospital, page: Page) -> None:
    """Before its socket is open a page sends by HTTP."""
    wait_until(lambda: page.evaluate("true") and hospital.sockets.get("patient-journey"))


def test_a_refused_action_is_told_and_changes_nothing(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["PAYMENT"]
    page = open_page("/journey")
    wait_connected(hospital, page)
    page.get_by_role("button", name="수납 완료").click()
    [sent] = wait_until(lambda: page.evaluate("true") and [one for one in hospital.sent if "command" in one])
    refused = {"success": False, "code": "INVALID_ACTION", "error": "x", "request_id": sent["request_id"]}
    hospital.tell("patient-journey", {"type": "action_result", **refused})
    expect(page.locator("#state-failed")).to_contain_text("지금은 할 수 없어요.")
    expect(page.get_by_role("heading", name="수납해 주세요")).to_be_visible()


def test_without_a_network_the_content_stays_and_says_how_old_it_is(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["PAYMENT"]
    page = open_page("/journey")
    expect(page.get_by_role("heading", name="수납해 주세요")).to_be_visible()
    hospital.cut()
    expect(page.locator("#connection")).to_contain_text("방금 전 정보예요", timeout=15_000)
    page.get_by_role("button", name="수납 완료").click()
    expect(page.locator("#state-failed")).to_contain_text("연결되면 다시 눌러 주세요.")
    expect(page.get_by_role("heading", name="수납해 주세요")).to_be_visible()
    assert hospital.asked_for("POST /patient-journey/perform-action/") == []


def test_a_page_that_is_reloaded_without_servers_shows_what_it_saw(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["WAITING"]
    page = open_page("/journey")
    expect(page.locator(".ticket")).to_be_visible()
    hospital.cut()
    hospital.reload(page)
    expect(page.locator(".ticket")).to_contain_text("17", timeout=15_000)
    expect(page.locator("#connection")).to_contain_text("정보예요")
    hospital.is_away = False
    expect(page.locator("#connection")).to_be_hidden(timeout=15_000)


def test_leaving_asks_first_and_ends_the_login(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.journey = SNAPSHOTS["REGISTERED"]
    hospital.answers["POST /auth/logout"] = {"success": True}
    page = open_page("/journey")
    page.get_by_role("button", name="나가기").click()
    page.get_by_role("alertdialog").or_(page.get_by_role("dialog")).get_by_role("button", name="나가기").click()
    expect(page.get_by_role("heading", name="어서 오세요")).to_be_visible()
    assert len(hospital.asked_for("POST /auth/logout")) == 1


@pytest.mark.parametrize("width", [180, 320, 768, 1440])
@pytest.mark.parametrize("state", ["UNREGISTERED", "REGISTERED", "WAITING", "IN_PROGRESS"])
def test_nothing_scrolls_sideways(hospital: Hospital, open_page: OpenPage, state: str, width: int) -> None:
    hospital.journey = SNAPSHOTS[state]
    page = open_page("/journey", viewport={"width": width, "height": 640})
    expect(page.locator("#loading-view")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_tag_s_address_tells_the_scan_and_goes_on(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.is_signed_in = False
    hospital.answers["POST /nfc/scan/"] = {"tag": {"title": "정문"}, "scan_token": "scan-1", "journey": None}
    page = open_page("/t/demo-entrance-7f3a9c21e5b84d06")
    page.wait_for_url("**/journey")
    expect(page.get_by_role("heading", name="누구신지 알려 주세요")).to_be_visible()
    [scanned] = hospital.asked_for("POST /nfc/scan/")
    assert (scanned["tag_code"], scanned["via"]) == ("demo-entrance-7f3a9c21e5b84d06", "url")


def test_a_dynamic_tag_s_address_tells_what_it_says_once(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.is_signed_in = False
    hospital.answers["POST /nfc/scan/"] = {"tag": {"title": "정문"}, "scan_token": "scan-1", "journey": None}
    page = open_page("/t/demo-entrance-7f3a9c21e5b84d06?e={e}&c={c}".format(**VECTOR))
    page.wait_for_url("**/journey")
    [scanned] = hospital.asked_for("POST /nfc/scan/")
    assert {name: scanned.get(name) for name in ("e", "c", "ndef")} == {**VECTOR, "ndef": None}
    page.reload()
    expect(page.get_by_role("heading", name="누구신지 알려 주세요")).to_be_visible()
    assert len(hospital.asked_for("POST /nfc/scan/")) == 1


def test_an_address_that_was_used_says_what_to_do(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.answers["POST /nfc/scan/"] = refusal(409, "TAG_REPLAYED")
    page = open_page("/t/demo-entrance-7f3a9c21e5b84d06?e={e}&c={c}".format(**VECTOR))
    expect(page.locator("#tag-failed")).to_contain_text("휴대폰을 태그에 다시 한 번 대 주세요.")
    expect(page.get_by_role("link", name="계속하기")).to_be_visible()


def test_a_scan_whose_answer_was_lost_is_sent_again_as_it_was(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.answers["POST /nfc/scan/"] = refusal(503, "STORE_UNAVAILABLE", retryable=True)
    page = open_page("/t/demo-entrance-7f3a9c21e5b84d06?e={e}&c={c}".format(**VECTOR))
    again = page.locator("#tag-failed").get_by_role("button")
    expect(again).to_be_visible()
    hospital.answers["POST /nfc/scan/"] = {"tag": {"title": "정문"}, "scan_token": "scan-1", "journey": None}
    again.click()
    page.wait_for_url("**/journey")
    first, second = hospital.asked_for("POST /nfc/scan/")
    assert first == second


def test_a_tag_that_is_no_longer_used_is_told(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.answers["POST /nfc/scan/"] = refusal(410, "TAG_INACTIVE")
    page = open_page("/t/demo-old-0d5e6f7a8b9c4d1e")
    expect(page.locator("#tag-failed")).to_contain_text("다른 태그에 대 주세요.")
    expect(page.get_by_role("link", name="계속하기")).to_be_visible()
