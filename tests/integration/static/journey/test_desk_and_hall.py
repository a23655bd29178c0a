"""The desk's page and the hall's screen."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.static.journey.conftest import OpenPage
from tests.integration.static.journey.hospital import Hospital, ago, board, board_entry, hall_room, refusal
from tests.waiting import wait_until

DESK = {"width": 1024, "height": 768}
SCREEN = {"width": 1920, "height": 1080}
CALL = "POST /queue/medical/call-patient/"
# After this many milliseconds a click that asks for something has asked.
HEARD = 300


@pytest.fixture
def desk(hospital: Hospital, open_page: OpenPage) -> Page:
    """Signed in, in its room, before a line of four."""
    hospital.board = board(
        board_entry(12, "in_progress"),
        board_entry(13, "called"),
        board_entry(15, "waiting", priority=2, priority_reason="elderly"),
        board_entry(16, "delayed"),
    )
    page = open_page("/staff/journey", viewport=DESK)
    page.get_by_label("로그인 이름").fill("desk1")
    page.get_by_label("비밀번호").fill("a-long-password")
    page.get_by_role("button", name="로그인").click()
    page.get_by_label("검사", exact=True).select_option("EX-BLOOD")
    page.get_by_role("button", name="시작하기").click()
    expect(page.locator("#line-rows tr")).to_have_count(4)
    wait_until(lambda: page.evaluate("true") and hospital.sockets.get("exam"))
    return page


def test_a_wrong_password_is_told_at_its_field(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.answers["POST /auth/staff-login"] = refusal(401, "LOGIN_FAILED")
    page = open_page("/staff/journey", viewport=DESK)
    page.get_by_label("로그인 이름").fill("desk1")
    page.get_by_label("비밀번호").fill("wrong")
    page.get_by_role("button", name="로그인").click()
    expect(page.locator("#password-error")).to_have_text("이름이나 비밀번호를 다시 확인해 주세요.")


def test_a_taken_room_is_told_at_its_field(hospital: Hospital, desk: Page) -> None:
    hospital.answers["DELETE /staff/shifts/current"] = {"success": True}
    hospital.answers["POST /staff/shifts"] = refusal(409, "ROOM_TAKEN")
    desk.get_by_role("button", name="자리 끝내기").click()
    desk.get_by_role("button", name="시작하기").click()
    expect(desk.locator("#room-error")).to_have_text("다른 직원이 쓰는 방이에요.")


def test_the_line_shows_who_waits_how_long_and_what_their_phone_said(desk: Page) -> None:
    rows = desk.locator("#line-rows tr")
    expect(rows.nth(1)).to_contain_text("휴대폰 대답 없음 · 목소리로 불러 주세요")
    for text in ("15", "시연015", "15분", "약 15분 (1~30분)", "2 · 어르신"):
        expect(rows.nth(2)).to_contain_text(text)
    expect(rows.nth(3)).to_contain_text("자리 비움")
    assert desk.evaluate("document.documentElement.scrollWidth") <= DESK["width"]


def test_the_limits_of_the_server_decide_what_suggests_itself(hospital: Hospital, desk: Page) -> None:
    late = board(board_entry(13, "called", called_at=ago(301)), board_entry(14, "called", called_at=ago(250)))
    hospital.tell("exam", {"type": "exam.update", "seq": 4, "epoch": "e", "data": late})
    expect(desk.locator("#mark_no_show-q-13")).to_have_class("primary")
    expect(desk.locator("#start_exam-q-14")).to_have_class("primary")


def test_a_tag_that_strangers_scan_is_told_at_the_desk(hospital: Hospital, desk: Page) -> None:
    expect(desk.locator("#tag-alert")).to_be_hidden()
    hospital.board |= {"tag_alerts": [{"tag_id": "TAG-ENTRANCE", "title": "정문"}], "updated_at": ago(0)}
    hospital.reload(desk)
    told = "! 정문 태그를 밖에서 많이 찍어요. 관리자에게 코드를 바꿔 달라고 해 주세요."
    expect(desk.locator("#tag-alert")).to_have_text(told)
    wait_until(lambda: desk.evaluate("true") and hospital.sockets.get("exam"))
    nameless = {name: value for name, value in board(board_entry(15, "waiting")).items() if name != "tag_alerts"}
    hospital.tell("exam", {"type": "exam.update", "seq": 4, "epoch": "e", "data": nameless})
    expect(desk.locator("#line-rows tr")).to_have_count(1)
    expect(desk.locator("#tag-alert")).to_have_text(told)


def test_another_desk_s_change_is_seen_and_keeps_the_names(hospital: Hospital, desk: Page) -> None:
    seen = [board_entry(13, "called", call_seen_at=ago(1)), board_entry(15, "waiting")]
    nameless = [{name: value for name, value in entry.items() if name != "patient"} for entry in seen]
    hospital.tell("exam", {"type": "exam.update", "seq": 4, "epoch": "e", "data": board(*nameless)})
    expect(desk.locator("#line-rows tr")).to_have_count(2, timeout=1_000)
    expect(desk.locator("#line-rows tr").first).to_contain_text("시연013")
    expect(desk.locator("#line-rows tr").first).to_contain_text("✓ 확인함")


def test_what_the_stream_tells_is_shown_whatever_the_clocks_of_its_hosts_say(hospital: Hospital, desk: Page) -> None:
    behind = board(board_entry(15, "called")) | {"updated_at": ago(60)}
    hospital.tell("exam", {"type": "exam.update", "seq": 4, "epoch": "e", "data": behind})
    expect(desk.locator("#row-q-15")).to_have_class("called", timeout=1_000)


def test_a_board_that_was_asked_for_does_not_undo_what_the_stream_told_meanwhile(
    hospital: Hospital, desk: Page
) -> None:
    new = {name: value for name, value in board_entry(17, "waiting").items() if name != "patient"}
    waiting, called = (board(board_entry(15, state), board_entry(17, "waiting")) for state in ("waiting", "called"))

    def answer(_: object) -> tuple[int, dict[str, Any]]:
        told = {"type": "exam.update", "seq": 5, "epoch": "e", "data": called | {"updated_at": ago(2)}}
        hospital.tell("exam", told)
        return 200, waiting | {"updated_at": ago(0)}

    hospital.answers["GET /board/EX-BLOOD"] = answer
    told = board(board_entry(15, "waiting"), new) | {"updated_at": ago(3)}
    hospital.tell("exam", {"type": "exam.update", "seq": 4, "epoch": "e", "data": told})
    expect(desk.locator("#row-q-17")).to_contain_text("시연017")
    expect(desk.locator("#row-q-15")).to_have_class("called", timeout=1_000)


def test_the_key_n_calls_the_next_once_and_offers_to_take_it_back(hospital: Hospital, desk: Page) -> None:
    hospital.answers[CALL] = {"queue": board_entry(15, "called"), "patient": {"name": "시연015"}}
    hospital.answers["POST /queue/q-15/undo-call"] = {"success": True}
    desk.keyboard.press("n")
    expect(desk.locator("#undo-text")).to_have_text("15번 시연015님을 불렀어요.")
    [asked] = hospital.asked_for(CALL)
    assert asked["exam_id"] == "EX-BLOOD"
    assert asked["idempotency_key"]
    desk.locator("#undo-button").click()
    expect(desk.locator("#undo")).to_be_hidden()
    assert len(hospital.asked_for("POST /queue/q-15/undo-call")) == 1


@pytest.mark.parametrize(("key", "action", "row"), [("s", "start_exam", "q-13"), ("c", "complete_exam", "q-12")])
def test_keys_start_and_complete_who_is_in_this_room(
    hospital: Hospital, desk: Page, key: str, action: str, row: str
) -> None:
    hospital.answers["POST /patient-journey/perform-action/"] = {"success": True}
    desk.keyboard.press(key)
    [asked] = wait_until(lambda: desk.evaluate("true") and hospital.asked_for("POST /patient-journey/perform-action/"))
    assert (asked["action_type"], asked["payload"]["queue_id"]) == (action, row)
    assert asked["patient_id"].startswith("u-1")


def test_keys_are_the_same_with_a_korean_layout(hospital: Hospital, desk: Page) -> None:
    hospital.answers[CALL] = {"queue": board_entry(15, "called"), "patient": {"name": "시연015"}}
    hospital.answers["POST /queue/q-13/recall"] = {"success": True}
    desk.locator("#find-last4").dispatch_event("keydown", {"key": "ㅜ", "code": "KeyN"})
    desk.locator("#line-title").dispatch_event("keydown", {"key": "ㄱ", "code": "KeyR"})
    wait_until(lambda: desk.evaluate("true") and hospital.asked_for("POST /queue/q-13/recall"))
    assert hospital.asked_for(CALL) == []
    desk.locator("#line-title").dispatch_event("keydown", {"key": "ㅜ", "code": "KeyN"})
    expect(desk.locator("#undo-text")).to_have_text("15번 시연015님을 불렀어요.")


def test_keys_in_a_field_are_letters(hospital: Hospital, desk: Page) -> None:
    desk.get_by_label("휴대폰 번호 끝 네 자리").press_sequentially("n")
    assert hospital.asked_for(CALL) == []


def test_an_error_stands_in_the_row_it_is_about(hospital: Hospital, desk: Page) -> None:
    hospital.answers["POST /queue/q-13/recall"] = refusal(409, "RECALL_TOO_SOON")
    desk.get_by_role("button", name="13번 다시 호출").click()
    expect(desk.locator("#row-q-13 .error")).to_have_text("방금 불렀어요. 조금 뒤에 다시 불러 주세요.")
    expect(desk.get_by_role("dialog")).to_have_count(0)


def test_an_empty_line_is_told_beside_the_button(hospital: Hospital, desk: Page) -> None:
    hospital.answers[CALL] = refusal(409, "QUEUE_EMPTY")
    desk.get_by_role("button", name="다음 호출").click()
    expect(desk.locator("#next-error")).to_have_text("부를 사람이 없어요.")


def test_a_priority_needs_its_reason_and_other_a_note(hospital: Hospital, desk: Page) -> None:
    hospital.answers["POST /queue/q-15/priority"] = {"success": True}
    desk.get_by_role("button", name="15번 우선").click()
    desk.get_by_label("까닭").select_option("other")
    desk.get_by_role("button", name="하기", exact=True).click()
    expect(desk.locator("#panel-error")).to_have_text("까닭을 덧붙여 주세요.")
    desk.get_by_label("덧붙일 말").fill("휠체어")
    desk.get_by_role("button", name="하기", exact=True).click()
    expect(desk.locator("#panel")).to_be_hidden()
    expect(desk.get_by_role("button", name="15번 우선")).to_be_focused()
    assert hospital.asked_for("POST /queue/q-15/priority") == [{"priority": 3, "reason": "other", "note": "휠체어"}]


def test_a_person_is_moved_into_any_line_but_their_own(hospital: Hospital, desk: Page) -> None:
    hospital.answers["POST /queue/q-15/transfer"] = {"success": True}
    desk.get_by_role("button", name="15번 옮기기").click()
    expect(desk.get_by_label("옮길 검사").locator("option")).to_have_text(["흉부 X선"])
    desk.get_by_label("까닭").fill("순서 변경")
    desk.get_by_role("button", name="하기", exact=True).click()
    expect(desk.locator("#panel")).to_be_hidden()
    [asked] = hospital.asked_for("POST /queue/q-15/transfer")
    assert (asked["exam_id"], asked["reason"]) == ("EX-XRAY", "순서 변경")


def test_who_has_no_phone_is_found_and_put_into_the_line(hospital: Hospital, desk: Page) -> None:
    found = {"user_id": "u-9", "name": "시연009", "journey_state": "REGISTERED"}
    hospital.answers["POST /staff/patients/find"] = {"patients": [found]}
    hospital.answers["POST /staff/patients/u-9/assist"] = {"journey_state": "WAITING"}
    desk.get_by_label("휴대폰 번호 끝 네 자리").fill("0009")
    desk.get_by_label("생년월일").fill("19401006")
    desk.get_by_label("왜 찾나요").fill(" 도움 ")
    desk.get_by_role("button", name="찾기").click()
    expect(desk.locator("#find-reason-error")).to_contain_text("5자 이상")
    desk.get_by_label("왜 찾나요").fill("휴대폰 없이 와서 도움")
    desk.get_by_role("button", name="찾기").click()
    desk.get_by_role("button", name="줄 세우기").click()
    expect(desk.locator("#found-u-9")).to_contain_text("대기 중")
    searched = {"phone_last4": "0009", "birth_date": "19401006", "reason": "휴대폰 없이 와서 도움"}
    assert hospital.asked_for("POST /staff/patients/find") == [searched]
    [asked] = hospital.asked_for("POST /staff/patients/u-9/assist")
    assert asked.pop("idempotency_key")
    payload = {"exam_id": "EX-BLOOD"}
    assert asked == {"action_type": "confirm_arrival", "expected_state": "REGISTERED", "payload": payload}


def test_who_has_gone_on_meanwhile_is_not_helped_one_step_too_far(hospital: Hospital, desk: Page) -> None:
    """They have opened the payment on their phone: the same word would confirm it."""
    find_one(hospital, desk, "COMPLETED")
    refused = refusal(409, "STATE_CONFLICT", details={"journey_state": "PAYMENT"})
    hospital.answers["POST /staff/patients/u-9/assist"] = refused
    pay = desk.get_by_role("button", name="수납")
    second = middle_of(pay)
    pay.click()
    expect(desk.locator("#found-error-u-9")).to_contain_text("방금 상태가 바뀌었어요")
    expect(desk.locator("#found-u-9")).to_contain_text("수납 중")
    desk.mouse.click(*second)
    pay.click()
    wait_until(lambda: desk.evaluate("true") and len(hospital.asked_for("POST /staff/patients/u-9/assist")) == 2)
    asked = hospital.asked_for("POST /staff/patients/u-9/assist")
    assert [one["expected_state"] for one in asked] == ["COMPLETED", "PAYMENT"]


def find_one(hospital: Hospital, desk: Page, state: str) -> None:
    found = {"user_id": "u-9", "name": "시연009", "journey_state": state}
    hospital.answers["POST /staff/patients/find"] = {"patients": [found]}
    desk.get_by_label("휴대폰 번호 끝 네 자리").fill("0009")
    desk.get_by_label("생년월일").fill("19401006")
    desk.get_by_label("왜 찾나요").fill("휴대폰 없이 와서 도움")
    desk.get_by_role("button", name="찾기").click()


def middle_of(button: Locator) -> tuple[float, float]:
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_second_click_does_not_help_a_step_further(hospital: Hospital, desk: Page) -> None:
    """However fast the first was answered: the next step's button stands where the last one's was."""
    find_one(hospital, desk, "PAYMENT")
    hospital.answers["POST /staff/patients/u-9/assist"] = {"journey_state": "FINISHED"}
    pay, leave = (desk.get_by_role("button", name=name) for name in ("수납", "귀가"))
    second = middle_of(pay)
    pay.click()
    expect(leave).to_be_visible()
    desk.mouse.click(*second)
    expect(leave).to_be_focused()
    desk.keyboard.press("Enter")
    expect(leave).to_be_disabled()
    leave.click()
    wait_until(lambda: desk.evaluate("true") and len(hospital.asked_for("POST /staff/patients/u-9/assist")) == 2)
    asked = hospital.asked_for("POST /staff/patients/u-9/assist")
    assert [one["action_type"] for one in asked] == ["make_payment", "leave_hospital"]


def test_a_key_that_is_held_down_helps_one_step(hospital: Hospital, desk: Page) -> None:
    find_one(hospital, desk, "PAYMENT")
    hospital.answers["POST /staff/patients/u-9/assist"] = {"journey_state": "FINISHED"}
    pay, leave = (desk.get_by_role("button", name=name) for name in ("수납", "귀가"))
    expect(pay).to_be_enabled()
    pay.focus()
    desk.keyboard.down("Enter")
    expect(leave).to_be_focused()
    expect(leave).to_be_enabled()
    desk.keyboard.down("Enter")
    desk.keyboard.up("Enter")
    desk.wait_for_timeout(HEARD)
    assert len(hospital.asked_for("POST /staff/patients/u-9/assist")) == 1


PERFORM = "POST /patient-journey/perform-action/"


def tell_line(hospital: Hospital, *entries: dict[str, Any], seq: int = 4) -> None:
    hospital.tell("exam", {"type": "exam.update", "seq": seq, "epoch": "e", "data": board(*entries)})


def test_a_second_click_is_not_about_the_next_one_in_line(hospital: Hospital, desk: Page) -> None:
    hospital.answers[PERFORM] = {"success": True}
    tell_line(hospital, board_entry(12, "in_progress"), board_entry(14, "in_progress"))
    expect(desk.locator("#line-rows tr")).to_have_count(2)
    end = desk.locator("#complete_exam-q-12")
    second = middle_of(end)
    desk.mouse.click(*second)
    tell_line(hospital, board_entry(14, "in_progress"), seq=5)
    expect(desk.locator("#line-rows tr")).to_have_count(1)
    desk.mouse.move(*second)
    desk.mouse.down(click_count=2)
    desk.mouse.up(click_count=2)
    desk.wait_for_timeout(HEARD)
    assert [one["payload"]["queue_id"] for one in hospital.asked_for(PERFORM)] == ["q-12"]
    assert middle_of(desk.locator("#complete_exam-q-14")) == second


def test_a_second_click_calls_nobody_more(hospital: Hospital, desk: Page) -> None:
    hospital.answers[CALL] = {"queue": board_entry(15, "called"), "patient": {"name": "시연015"}}
    call = desk.locator("#next")
    call.click()
    expect(desk.locator("#undo-text")).to_have_text("15번 시연015님을 불렀어요.")
    second = middle_of(call)
    desk.mouse.move(*second)
    desk.mouse.down(click_count=2)
    desk.mouse.up(click_count=2)
    desk.wait_for_timeout(HEARD)
    assert len(hospital.asked_for(CALL)) == 1
    desk.mouse.click(*second)
    wait_until(lambda: desk.evaluate("true") and len(hospital.asked_for(CALL)) == 2)


def test_a_token_that_ended_asks_to_sign_in_and_shows_nobody(hospital: Hospital, desk: Page) -> None:
    hospital.answers["POST /queue/q-13/recall"] = refusal(401, "TOKEN_REVOKED")
    desk.get_by_role("button", name="13번 다시 호출").click()
    expect(desk.locator("#password-error")).to_contain_text("다시 로그인해 주세요.")
    expect(desk.locator("#desk")).to_be_hidden()


@pytest.fixture
def screen(hospital: Hospital, open_page: OpenPage) -> Page:
    hospital.hall = {"rooms": [hall_room(number, number + 10) for number in range(1, 7)], "updated_at": ago(0)}
    page = open_page("/hall/HALL-1#key=a-key", viewport=SCREEN)
    expect(page.locator(".hall-room")).to_have_count(6)
    return page


def test_numbers_are_read_from_afar_and_nothing_scrolls(screen: Page) -> None:
    assert screen.locator(".hall-call b").first.evaluate("b => parseFloat(getComputedStyle(b).fontSize)") == 0.2 * 1080
    sizes = screen.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert sizes == [1920, 1080]
    for room in screen.locator(".hall-room").all():
        assert room.evaluate("room => room.scrollHeight <= room.clientHeight && room.scrollWidth <= room.clientWidth")


def test_a_new_call_blinks_and_is_told_to_screen_readers(hospital: Hospital, screen: Page) -> None:
    expect(screen.locator(".hall-room.new")).to_have_count(0)
    moved = json.loads(json.dumps(hospital.hall))
    moved["rooms"][2]["calling"] = [{"queue_number": 99, "since": "u", "call_count": 1}]
    wait_until(lambda: screen.evaluate("true") and hospital.sockets.get("hall"))
    hospital.tell("hall", {"type": "hall.update", "seq": 4, "epoch": "e", "data": moved})
    new = screen.locator(".hall-room.new")
    expect(new).to_contain_text("99", timeout=1_000)
    expect(screen.locator("#called")).to_have_text("99번, 1층 3호")
    expect(new).to_have_count(0, timeout=12_000)


def test_a_call_that_is_told_late_is_the_one_that_blinks(hospital: Hospital, screen: Page) -> None:
    """Two desks at once: the call that was made first may be committed last, and a cut may lie between."""
    known = hospital.hall["rooms"][2]["calling"]
    late, newest = ({"queue_number": number, "since": ago(-number), "call_count": 1} for number in (98, 99))
    wait_until(lambda: screen.evaluate("true") and hospital.sockets.get("hall"))
    for seq, calling in ((4, [newest, *known]), (5, [newest, late, *known])):
        moved = json.loads(json.dumps(hospital.hall))
        moved["rooms"][2]["calling"] = calling
        hospital.tell("hall", {"type": "hall.update", "seq": seq, "epoch": "e", "data": moved})
        told = calling[-2]["queue_number"]
        expect(screen.locator("#called")).to_have_text(f"{told}번, 1층 3호")
        expect(screen.locator(".hall-room.new .hall-call b")).to_have_text(str(told))


def test_a_call_into_a_room_whose_turn_it_is_not_is_shown_at_once(hospital: Hospital, screen: Page) -> None:
    others = [hall_room(number) for number in range(7, 12)]
    moved = {"rooms": [*hospital.hall["rooms"], *others], "updated_at": ago(0)}
    wait_until(lambda: screen.evaluate("true") and hospital.sockets.get("hall"))
    hospital.tell("hall", {"type": "hall.update", "seq": 4, "epoch": "e", "data": json.loads(json.dumps(moved))})
    expect(screen.locator(".hall-room")).to_have_count(8, timeout=1_000)
    for seq, place in ((5, 9), (6, 2)):  # on either page
        moved["rooms"][place]["calling"] = [{"queue_number": 90 + place, "since": "u", "call_count": 1}]
        hospital.tell("hall", {"type": "hall.update", "seq": seq, "epoch": "e", "data": json.loads(json.dumps(moved))})
        expect(screen.locator(".hall-room.new", has_text=str(90 + place))).to_be_visible(timeout=1_000)


def test_a_screen_without_a_network_shows_no_numbers_and_comes_back(hospital: Hospital, screen: Page) -> None:
    wait_until(lambda: screen.evaluate("true") and hospital.sockets.get("hall"))
    hospital.cut()
    lost = screen.locator("#lost")
    expect(lost).to_contain_text("연결이 끊겼어요 · 마지막 갱신", timeout=15_000)
    expect(screen.locator("#rooms")).to_be_hidden()
    hospital.is_away = False
    expect(screen.locator("#rooms")).to_be_visible(timeout=15_000)
    expect(lost).to_be_hidden()


def test_a_screen_whose_key_was_taken_back_says_so(hospital: Hospital, open_page: OpenPage) -> None:
    hospital.answers["GET /hall/HALL-1"] = refusal(401, "UNAUTHORIZED")
    page = open_page("/hall/HALL-1#key=old", viewport=SCREEN)
    expect(page.locator("#lost")).to_have_text("이 화면을 쓸 수 없어요. 열쇠를 확인해 주세요.")
