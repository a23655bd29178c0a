"""The control interface: the person's side, invented people, the books, and the refusal of bad input."""

import pytest

from tests.integration.dev.sandbox.client import HANEUL, KAKAO_ONLY, person_body

NEWCOMER = ("나라온", "19850505", "01000009001")


def test_lists_pending_requests_only(tilko, control):
    first, second = tilko.open_session(HANEUL), tilko.open_session(KAKAO_ONLY)
    control.approve(first)
    (left,) = control.get("requests")["requests"]
    assert set(left) == {"CxId", "UserName", "BirthDate", "UserCellphoneNumber", "PrivateAuthType", "authenticator",
                         "requested_at", "state"}  # fmt: skip
    assert (left["CxId"], left["state"], left["authenticator"]) == (second["CxId"], "pending", "카카오톡")
    assert (left["UserName"], left["BirthDate"], left["UserCellphoneNumber"]) == KAKAO_ONLY


@pytest.mark.parametrize("decision", ["approve", "decline"])
def test_an_unknown_request_is_404(control, decision):
    answer = control.post(decision, {"CxId": "nobody"})
    assert (answer.status_code, answer.json()["field"]) == (404, "CxId")


def test_deciding_twice_is_fine_but_changing_ones_mind_is_409(tilko, control):
    session = tilko.open_session(HANEUL)
    control.approve(session)
    control.approve(session)
    assert control.post("decline", {"CxId": session["CxId"]}).status_code == 409


def test_a_new_person_has_what_was_asked_for(tilko, control):
    asked = person_body(NEWCOMER, checkups=3, prescriptions=7, image_bytes=2000, authenticators=["0"])
    assert control.post("people", asked).status_code == 201
    session = tilko.open_session(NEWCOMER)
    control.approve(session)
    assert len(tilko.fetch_checkups(session, NEWCOMER).json()["ResultList"]) == 3
    assert len(tilko.fetch_treatments(session, NEWCOMER).json()["ResultList"]) == 7
    assert tilko.request_auth(NEWCOMER, "1").json()["ResultData"]["CxId"] is None


def test_a_person_can_approve_by_themselves(tilko, control):
    control.post("people", person_body(NEWCOMER, auto_approve_seconds=0.0))
    session = tilko.open_session(NEWCOMER)
    assert tilko.fetch_checkups(session, NEWCOMER).json()["Status"] == "OK"


@pytest.mark.parametrize("mode", ["html", "4115", "message"])
def test_a_person_can_always_get_one_waiting_answer(tilko, control, mode):
    control.post("people", person_body(NEWCOMER, waiting_answer=mode))
    session = tilko.open_session(NEWCOMER)
    answers = [tilko.fetch_checkups(session, NEWCOMER) for _ in range(2)]
    codes = {"html": None, "4115": 4115, "message": 4100}
    for answer in answers:
        assert (None if mode == "html" else answer.json()["ErrorCode"]) == codes[mode]
        assert "휴대폰에서 인증을 완료해" in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_name", ""),
        ("user_name", None),
        ("birthdate", "1985-05-05"),
        ("birthdate", "19850230"),
        ("phone_no", "010-1234"),
        ("gender", "X"),
        ("checkups", -1),
        ("checkups", True),
        ("prescriptions", "3"),
        ("image_bytes", 10**9),
        ("authenticators", ["9"]),
        ("auto_approve_seconds", -1),
        ("waiting_answer", "never"),
        ("surprise", 1),
    ],
)
def test_a_bad_person_is_refused_by_field(control, field, value):
    answer = control.post("people", person_body(NEWCOMER) | {field: value})
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "path"),
        ({"path": "x"}, "fault"),
        ({"path": "x", "status": 99}, "status"),
        ({"path": "x", "status": "500"}, "status"),
        ({"path": "x", "calls": 0, "html": True}, "calls"),
        ({"path": "x", "cut": "sometimes"}, "cut"),
        ({"path": "x", "hold": "forever"}, "hold"),
        ({"path": "x", "html": 1}, "html"),
        ({"path": "x", "status": 429, "headers": {"Retry-After": 1}}, "headers"),
        ({"path": "x", "delay_seconds": "1"}, "delay_seconds"),
        ({"path": "x", "explode": True}, "explode"),
    ],
)
def test_a_bad_fault_is_refused_by_field(control, body, field):
    answer = control.post("faults", body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{"])
def test_a_control_body_must_be_an_object(control, raw):
    answer = control.http.post(f"{control.base}/control/approve", content=raw)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")


def test_calls_are_kept_with_their_outcome(tilko, control):
    session = tilko.open_session(HANEUL)
    tilko.fetch_checkups(session, HANEUL)
    control.approve(session)
    tilko.fetch_checkups(session, HANEUL)
    waiting, served = control.calls(path="GGPAB003M0105", cxid=session["CxId"])
    assert (waiting["status"], waiting["error_code"], waiting["billed"]) == (200, 4115, False)
    assert (served["status"], served["error_code"], served["billed"], served["delivered"]) == (200, 0, True, True)
    assert served["n"] > waiting["n"]
    assert served["duration_ms"] >= 0


def test_calls_can_be_chosen_by_path(tilko, control):
    tilko.open_session(HANEUL)
    assert [call["path"] for call in control.calls(path="simpleauth")] == ["/api/v1.0/nhissimpleauth/simpleauthrequest"]
    assert control.calls(cxid="nobody") == []


def test_served_needs_a_cxid(control):
    answer = control.http.get(f"{control.base}/control/served")
    assert (answer.status_code, answer.json()["field"]) == (400, "cxid")


def test_reset_forgets_everything_but_the_seed_people(tilko, control):
    control.post("people", person_body(NEWCOMER))
    session = tilko.open_session(HANEUL)
    control.approve(session)
    tilko.fetch_checkups(session, HANEUL)
    control.set_fault("getpublickey", status=500)
    control.post("reset")
    assert control.get("requests") == {"requests": []}
    assert control.get("faults") == {"faults": []}
    assert control.get("calls")["billed"] == {}
    assert control.get("served", cxid=session["CxId"]) == {"checkups": [], "prescriptions": []}
    assert tilko.request_auth(NEWCOMER).json()["Status"] == "Error"
    assert tilko.request_auth(HANEUL).json()["Status"] == "OK"


@pytest.mark.parametrize("path", ["/control/nothing", "//control/nothing", "/phone/nothing"])
def test_an_unknown_door_is_404_and_no_call_of_the_provider(control, path):
    assert control.http.post(control.base + path).status_code == 404
    assert control.calls() == []
