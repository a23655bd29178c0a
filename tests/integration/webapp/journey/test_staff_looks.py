"""What a hospital's staff look at of one person, or do with their journey, is told to the person, with who and why."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from core.clock import clock
from models.patients import AccessEntry
from services.journey.people import NewUser
from services.patients.access_chain import chain_key, check_day, known_days
from tests.integration.webapp.people import Person
from webapp.api.journey.live.admission import LiveAttempt, decide, open_with
from webapp.api.journey.live.streams import LiveStreams
from webapp.api.journey.shown_people import StreamOpening
from webapp.auth.journey_callers import JourneyClaims
from webapp.current import parts
from webapp.relay.closing import CloseCode
from webapp.relay.stream_source import SubscribeRequest

from .conftest import Desk, Phone, code, phone_of
from .test_actions import arrive

BLOOD, XRAY = {"exam_id": "EX-BLOOD"}, {"exam_id": "EX-XRAY"}
WHO = {"phone_last4": "5678", "birth_date": "1984-05-17"}
WHY = "창구에 와서 접수"
SEEN, FOUND, DONE = (
    "병원에서의 순서와 상태를 봤어요.",
    "휴대폰 번호 끝자리와 생년월일로 찾아봤어요.",
    "병원에서의 순서나 상태를 바꿨어요.",
)
NO_REASON = "이유를 적지 않았어요"


@pytest.fixture
def visitor_id(app: Flask, people: list[UUID], owner: Person) -> UUID:
    """The owner of records, in the journey: the same name, phone and birth date."""
    here = parts(app).stores
    with here.unit_of_work() as work:
        return here.people.add(work.session, NewUser("김하늘", "01012345678", date(1984, 5, 17))).user_id


@pytest.fixture
def here_today(app: Flask, visitor_id: UUID) -> Phone:
    phone = phone_of(app, visitor_id)
    arrive(phone)
    return phone


@pytest.fixture
def entry_id(here_today: Phone) -> str:
    joined = here_today.ask("POST", "/queue/join", json=BLOOD)
    assert joined.status_code == 201
    entry: str = joined.json["queue"]["queue_id"]
    return entry


def told(owner: Person) -> list[tuple[str, str, str | None]]:
    """Who, what and why, the newest first; without what the person did."""
    items = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log").json["items"]
    return [(one["who"], one["what"], one["reason"]) for one in items if one["actor_kind"] == "staff"]


@pytest.fixture
def reasons_wanted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    here = parts(app).stores
    wanted = replace(here.settings, journey=replace(here.settings.journey, requires_reason=True))
    monkeypatch.setitem(vars(here), "settings", wanted)


PATHS = (
    "/patient-journey/current-state/?patient_id={u}",
    "/patient-journey/history?patient_id={u}",
    "/patient-journey/itinerary?patient_id={u}",
    "/queue/{q}?",
    "/fhir/Task?patient={u}",
    "/fhir/Task/{q}?",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_look_is_told_with_its_reason_and_without_one_with_the_task(
    desk: Desk, owner: Person, visitor_id: UUID, entry_id: str, path: str
):
    asked = path.format(u=visitor_id, q=entry_id)
    assert desk.ask("GET", f"{asked}&reason={WHY}").status_code == 200
    assert desk.ask("GET", asked).status_code == 200
    assert told(owner) == [("병원 직원", SEEN, NO_REASON), ("병원 직원", SEEN, WHY)]


@pytest.mark.parametrize("path", PATHS)
def test_what_a_person_sees_of_themselves_is_no_look(here_today: Phone, owner: Person, entry_id: str, path: str):
    asked = path.format(u=here_today.user_id, q=entry_id)
    assert here_today.ask("GET", f"{asked}&reason={WHY}").status_code == 200
    assert told(owner) == []


@pytest.mark.parametrize("reason", ["짧음", "     ", "x" * 301])
def test_a_reason_that_says_nothing_is_refused(desk: Desk, owner: Person, visitor_id: UUID, reason: str):
    query = {"patient_id": str(visitor_id), "reason": reason}
    answers = [
        desk.ask("GET", "/patient-journey/current-state/", query_string=query),
        desk.ask("POST", "/staff/patients/find", json=WHO | {"reason": reason}),
    ]
    assert [code(answer) for answer in answers] == [(400, "VALIDATION_FAILED")] * 2
    assert all(list(answer.json["error"]["details"]) == ["reason"] for answer in answers)
    assert told(owner) == []


def test_who_works_in_the_line_of_a_person_need_not_say_why(
    desk: Desk, chief: Desk, owner: Person, visitor_id: UUID, entry_id: str
):
    path = f"/patient-journey/current-state/?patient_id={visitor_id}"
    for asker, exam in ((desk, BLOOD), (chief, XRAY)):
        asker.ask("POST", "/staff/shifts", json=exam | {"room_id": "R-101" if asker is desk else "R-102"})
        assert asker.ask("GET", path).status_code == 200
    assert told(owner) == [
        ("병원 관리자", SEEN, "흉부 X선 자리에서, 이유를 적지 않았어요"),
        ("병원 직원", SEEN, "채혈 줄에서 맡은 사람"),
    ]


def test_a_search_is_told_to_each_who_was_found(desk: Desk, owner: Person, colleague: Person, visitor_id: UUID):
    for more in ({"reason": WHY}, {}):
        found = desk.ask("POST", "/staff/patients/find", json=WHO | more).json["patients"]
        assert [one["user_id"] for one in found] == [str(visitor_id)]
    assert told(owner) == [("병원 직원", FOUND, NO_REASON), ("병원 직원", FOUND, WHY)]
    assert told(colleague) == []


def test_what_staff_do_with_a_journey_is_told_with_the_task(
    desk: Desk, owner: Person, here_today: Phone, entry_id: str, visitor_id: UUID
):
    patient_id = str(visitor_id)
    perform = "/patient-journey/perform-action/"
    calls: tuple[tuple[str, dict[str, Any] | None, str], ...] = (
        ("/queue/medical/call-patient/", BLOOD, "채혈: 호출"),
        (f"/queue/{entry_id}/undo-call", None, "채혈: 호출 취소"),
        (f"/queue/{entry_id}/priority", {"priority": 1, "reason": "elderly"}, "채혈: 순서 조정"),
        (f"/queue/{entry_id}/delay", {"delayed": True}, "채혈: 자리 비움 처리"),
        (f"/queue/{entry_id}/delay", {"delayed": False}, "채혈: 자리 비움 처리"),
        ("/queue/join", XRAY | {"patient_id": patient_id}, "흉부 X선: 줄 세우기"),
        ("/queue/medical/call-patient/", {"queue_id": entry_id}, "채혈: 호출"),
        (perform, {"patient_id": patient_id, "action_type": "start_exam"}, "검사 시작"),
        (f"/staff/patients/{visitor_id}/assist", {"action_type": "complete_exam"}, "검사 완료"),
    )
    for path, body, _ in calls:
        answer = desk.ask("POST", path, json=body)
        assert answer.status_code < 300, (path, answer.text)
    assert told(owner) == [("병원 직원", DONE, why) for _, _, why in reversed(calls)]


def test_a_desk_without_the_line_is_named_by_its_shift(desk: Desk, owner: Person, visitor_id: UUID):
    desk.ask("POST", "/staff/shifts", json=XRAY | {"room_id": "R-102"})
    assist = f"/staff/patients/{visitor_id}/assist"
    assert desk.ask("POST", assist, json={"action_type": "scan_nfc"}).status_code == 200
    assert told(owner) == [("병원 직원", DONE, "흉부 X선: 도착 처리")]


def test_neither_a_repeated_call_nor_a_refused_one_is_told(desk: Desk, owner: Person, entry_id: str):
    key = {"idempotency_key": "call-1"}
    answers = [desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD | key) for _ in range(2)]
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true"]
    assert code(desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD)) == (409, "QUEUE_EMPTY")
    assert told(owner) == [("병원 직원", DONE, "채혈: 호출")]


def test_boards_and_lists_are_of_nobody(desk: Desk, owner: Person, entry_id: str):
    for path in ("/board/EX-BLOOD", "/queue/", "/fhir/Task", "/fhir/Location"):
        assert desk.ask("GET", path).status_code == 200
    assert told(owner) == []


def test_where_the_hospital_wants_reasons_they_are_wanted(
    desk: Desk, owner: Person, visitor_id: UUID, entry_id: str, reasons_wanted: None
):
    path = f"/patient-journey/current-state/?patient_id={visitor_id}"
    refused = (desk.ask("GET", path), desk.ask("POST", "/staff/patients/find", json=WHO))
    assert [code(answer) for answer in refused] == [(400, "VALIDATION_FAILED")] * 2
    assert all(list(answer.json["error"]["details"]) == ["reason"] for answer in refused)
    assert desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD).status_code == 200
    desk.ask("POST", "/staff/shifts", json=BLOOD | {"room_id": "R-101"})
    assert desk.ask("GET", path).status_code == 200
    assert [why for _, _, why in told(owner)] == ["채혈 줄에서 맡은 사람", "채혈: 호출"]


def test_no_name_of_staff_and_no_address_of_theirs_is_told(desk: Desk, owner: Person, visitor_id: UUID):
    desk.ask("POST", "/staff/patients/find", json=WHO | {"reason": WHY})
    answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log")
    assert answer.json["items"][0]["address"] is None
    assert not [one for one in (str(desk.staff_id), "desk1", "127.0.0.1") if one in answer.text]


def test_it_is_no_opening_of_records(desk: Desk, owner: Person, visitor_id: UUID):
    desk.ask("POST", "/staff/patients/find", json=WHO | {"reason": WHY})
    sessions = owner.ask("GET", f"/patients/{owner.patient_uuid}/sessions").json
    assert sessions["opened_since_last_visit"] == []


def test_who_has_no_records_stands_there_under_a_pseudonym_that_is_no_patients(
    app: Flask, desk: Desk, owner: Person, people: list[UUID]
):
    """The same digits and birth date are not enough to be the same person."""
    here = parts(app).stores
    with here.unit_of_work() as work:
        twin = here.people.add(work.session, NewUser("김하늘", "01099995678", date(1984, 5, 17))).user_id
    desk.ask("POST", "/staff/patients/find", json=WHO | {"reason": WHY})
    assert told(owner) == []
    with here.sessions() as session:
        [entry] = session.scalars(select(AccessEntry).where(AccessEntry.what == "journey_search"))
    assert (entry.subject, entry.actor_kind, entry.actor_role) == (
        here.access_log.subject_of_visitor(twin),
        "staff",
        "staff",
    )
    assert WHY.encode() not in entry.sealed


def test_the_archive_holds_what_the_page_shows(app: Flask, desk: Desk, owner: Person, visitor_id: UUID):
    desk.ask("POST", "/staff/patients/find", json=WHO | {"reason": WHY})
    here = parts(app).stores
    assert owner.patient_uuid is not None
    with here.sessions() as session:
        looks, _ = here.access_log.list_looks_at(session, owner.patient_uuid, limit=9)
    assert [(one.actor_role, one.what, one.reason) for one in looks] == [("staff", "journey_search", WHY)]


def test_the_chain_holds_with_them(app: Flask, desk: Desk, visitor_id: UUID, entry_id: str):
    for _ in range(2):
        desk.ask("POST", "/staff/patients/find", json=WHO)
    desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD)
    here = parts(app).stores
    with here.sessions() as session:
        key = chain_key(here.settings.secrets.pseudonym_key)
        [checked] = [check_day(session, key, day, date.min) for day in known_days(session)]
    assert (checked.entries, checked.broken) == (3, None)


ASKS: dict[str, Callable[[Desk, UUID], Any]] = {
    "a look": lambda desk, one: desk.ask("GET", f"/patient-journey/current-state/?patient_id={one}"),
    "a search": lambda desk, _: desk.ask("POST", "/staff/patients/find", json=WHO),
    "an action": lambda desk, _: desk.ask("POST", "/queue/medical/call-patient/", json=BLOOD),
}


@pytest.mark.parametrize("ask", ASKS)
def test_what_cannot_be_written_down_is_neither_shown_nor_done(
    desk: Desk, here_today: Phone, entry_id: str, visitor_id: UUID, engine: Engine, ask: str
):
    change = "alter table welno.welno_access_log {} constraint full_now {}"
    with engine.begin() as connection:
        connection.execute(text(change.format("add", "check (seq < 0) not valid")))
    try:
        answer = ASKS[ask](desk, visitor_id)
    finally:
        with engine.begin() as connection:
            connection.execute(text(change.format("drop", "")))
    assert answer.status_code == 500
    assert "김하늘" not in answer.text
    assert here_today.ask("GET", "/patient-journey/current-state/").json["journey_state"] == "WAITING"


def test_what_was_refused_for_its_reason_is_not_in_our_own_log_either(
    desk: Desk, visitor_id: UUID, entry_id: str, reasons_wanted: None
):
    with capture_logs() as logs:
        refused = desk.ask("GET", f"/queue/{entry_id}")
        desk.ask("GET", f"/queue/{entry_id}?reason={WHY}")
    assert code(refused) == (400, "VALIDATION_FAILED")
    assert [(one["what"], one["count"]) for one in logs if one["event"] == "people_shown"] == [("queue", 1)]


FOLLOWED = ("messages", "events")


def follow(asker: Desk | Phone, entry_id: str, how: str, query: str = "") -> TestResponse:
    answer = asker.ask("GET", f"/queue/{entry_id}/{how}?{query}", buffered=False)
    answer.close()
    return answer


@pytest.mark.parametrize("how", FOLLOWED)
def test_who_follows_an_entry_has_looked_once(desk: Desk, here_today: Phone, owner: Person, entry_id: str, how: str):
    assert follow(desk, entry_id, how, "after_seq=0").status_code == 200  # a place may be invented
    assert told(owner) == [("병원 직원", SEEN, NO_REASON)]
    assert follow(desk, entry_id, how, "after_seq=1").status_code == 200
    assert len(told(owner)) == 1
    assert follow(desk, entry_id, how, f"reason={WHY}").status_code == 200
    assert told(owner)[0] == ("병원 직원", SEEN, WHY)
    assert follow(here_today, entry_id, how).status_code == 200
    assert len(told(owner)) == 2


def test_another_look_than_a_colleagues_is_another(desk: Desk, chief: Desk, owner: Person, entry_id: str):
    for one in (desk, chief):
        assert follow(one, entry_id, "messages", "after_seq=0").status_code == 200
    assert [who for who, *_ in told(owner)] == ["병원 관리자", "병원 직원"]


@pytest.mark.parametrize("how", FOLLOWED)
def test_nobody_follows_without_a_reason_that_is_wanted(
    desk: Desk, owner: Person, entry_id: str, reasons_wanted: None, how: str
):
    for query in ("", "after_seq=0"):
        refused = desk.ask("GET", f"/queue/{entry_id}/{how}?{query}")
        assert code(refused) == (400, "VALIDATION_FAILED")
        assert list(refused.json["error"]["details"]) == ["reason"]
    assert told(owner) == []
    assert follow(desk, entry_id, how, f"reason={WHY}").status_code == 200
    assert told(owner) == [("병원 직원", SEEN, WHY)]


def test_a_socket_is_a_look_too(
    app: Flask, desk: Desk, owner: Person, visitor_id: UUID, entry_id: str, reasons_wanted: None
):
    """As an admission decides it: without a request."""
    claims = JourneyClaims(desk.sid, "t", desk.staff_id, clock.now() + timedelta(hours=1))
    here = parts(app).stores

    def open_socket(reason: str | None) -> SubscribeRequest | CloseCode:
        opening = StreamOpening("10.0.0.7", reason, is_resumed=False)
        streams = LiveStreams(here, app.app_context)
        opened = open_with(here, claims, lambda caller: streams.of_entry(caller, entry_id, opening))
        return decide(LiveAttempt(opened, is_own_origin=True, after=None, address=None, log_context={}))

    assert open_socket(None) == CloseCode.UNKNOWN
    assert told(owner) == []
    assert isinstance(open_socket(WHY), SubscribeRequest)
    assert told(owner) == [("병원 직원", SEEN, WHY)]


SHOWING: dict[str, tuple[str, dict[str, Any], tuple[int, str | None]]] = {
    "what is so already": ("/queue/{q}/delay", {"delayed": False}, (200, None)),
    "joining once more": ("/queue/join", BLOOD | {"patient_id": "{u}"}, (409, "ALREADY_QUEUED")),
    "another state": (
        "/patient-journey/perform-action/",
        {"patient_id": "{u}", "action_type": "call_patient", "expected_state": "PAYMENT"},
        (409, "STATE_CONFLICT"),
    ),
    "not now": ("/staff/patients/{u}/assist", {"action_type": "scan_nfc"}, (400, "INVALID_ACTION")),
    "an entry that is not called": ("/queue/{q}/recall", {}, (409, "STATE_CONFLICT")),
}


@pytest.mark.parametrize("case", SHOWING)
def test_what_changes_nothing_or_is_refused_is_a_look_where_it_shows_a_person(
    desk: Desk, owner: Person, visitor_id: UUID, entry_id: str, reasons_wanted: None, case: str
):
    path, body, expected = SHOWING[case]
    path = path.format(q=entry_id, u=visitor_id)
    body = {name: str(visitor_id) if value == "{u}" else value for name, value in body.items()}
    refused = desk.ask("POST", path, json=body)
    assert (code(refused), list(refused.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["reason"])
    assert told(owner) == []
    answer = desk.ask("POST", f"{path}?reason={WHY}", json=body)
    assert (answer.status_code, answer.json.get("error", {}).get("code")) == expected
    assert told(owner) == [("병원 직원", SEEN, WHY)]
    desk.ask("POST", "/staff/shifts", json=BLOOD | {"room_id": "R-101"})
    desk.ask("POST", path, json=body)
    assert told(owner)[0] == ("병원 직원", SEEN, "채혈 줄에서 맡은 사람")


def test_what_a_patient_is_refused_is_no_look(here_today: Phone, owner: Person, entry_id: str):
    assert code(here_today.ask("POST", "/queue/join", json=BLOOD)) == (409, "ALREADY_QUEUED")
    assert told(owner) == []
