"""The phone page: what it lists, and its two buttons."""

from tests.integration.dev.sandbox.client import HANEUL, KAKAO_ONLY


def test_an_empty_phone_says_so(control):
    answer = control.http.get(f"{control.base}/phone")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="ko">' in answer.text
    assert "기다리는 인증 요청이 없어요" in answer.text


def test_lists_who_asks_with_which_authenticator_since_when(tilko, control):
    tilko.request_auth(HANEUL, "6")
    page = control.http.get(f"{control.base}/phone").text
    for text in ("김하늘 님", "네이버", "초 전", "1984년 5월 17일", "010-0000-0001", "승인", "거절"):
        assert text in page


def test_the_approve_button_approves(tilko, control):
    session = tilko.open_session(HANEUL)
    answer = control.http.post(f"{control.base}/phone", data={"CxId": session["CxId"], "decision": "approve"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/phone")
    assert tilko.fetch_checkups(session, HANEUL).json()["Status"] == "OK"


def test_the_decline_button_declines(tilko, control):
    session = tilko.open_session(KAKAO_ONLY)
    control.http.post(f"{control.base}/phone", data={"CxId": session["CxId"], "decision": "decline"})
    assert "인증을 진행할 수 없습니다" in tilko.fetch_checkups(session, KAKAO_ONLY).json()["Message"]
    assert "정새벽" not in control.http.get(f"{control.base}/phone/list").text


def test_a_bad_decision_is_400(tilko, control):
    session = tilko.open_session(HANEUL)
    answer = control.http.post(f"{control.base}/phone", data={"CxId": session["CxId"], "decision": "maybe"})
    assert (answer.status_code, answer.json()["field"]) == (400, "decision")


def test_a_name_cannot_bring_markup(tilko, control):
    who = ("<b>굵은</b>", "19850505", "01000009001")
    control.post("people", {"user_name": who[0], "birthdate": who[1], "phone_no": who[2], "gender": "M"})
    tilko.open_session(who)
    assert "<b>굵은" not in control.http.get(f"{control.base}/phone").text


def test_a_long_list_is_shortened(tilko, control):
    for _ in range(52):
        tilko.open_session(HANEUL)
    assert "그 밖에 2건이 더 있어요" in control.http.get(f"{control.base}/phone/list").text
