"""A patient's stored records in a thread: put there by the service, opened by devices of members, doubled by nobody."""

import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.clock import clock
from core.sealing import SealError
from models.patients import DEFAULT_HOSPITAL, MediarcReport
from models.threads import RecordSending
from services.threads import record_sending
from services.threads.audit import verify_thread
from services.threads.encoding import SERVICE_MEMBER
from services.threads.record_sending import RecordSender, give_up_sendings, resend_sendings
from tests.integration.webapp.people import Person
from tests.thread_devices import bytes_of
from tests.waiting import wait_until
from webapp.current import parts

from .members import Member, Talk
from .service import begin_served, count_unsealed, envelopes, learn, opened, tender

ALL = ["checkups", "prescriptions", "report"]
RECORD, PART = "application/vnd.welno.record+json", "application/vnd.welno.record-part+json"
SUMMARY = "application/vnd.welno.records+json"


@pytest.fixture
def served(nurse: Member, patient: Member) -> Talk:
    return begin_served(nurse, patient)


def ask(talk: Talk, member: Member, *what: str, **more: Any) -> Any:
    return member.post(f"/{talk.id}/send-records", {"what": list(what or ALL)} | more)


def sender(app: Flask, payload_max_bytes: int = 40960) -> RecordSender:
    here = parts(app).stores
    return RecordSender(here.sessions, here.threads, here.service_member, payload_max_bytes)


def send(app: Flask, talk: Talk, member: Member, *what: str) -> str | None:
    return sender(app).run(uuid.UUID(ask(talk, member, *what).json["sendingId"]))


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def read(talk: Talk, member: Member) -> list[tuple[str, Any]]:
    """What the service said, as the member's device opens it."""
    learn(talk, member)
    found = envelopes(talk, member)
    return [(one["contentType"], json.loads(opened(talk, one))) for one in found]


def rows(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement), values))


def test_members_open_what_the_service_sent_of_the_patients_records(
    app: Flask, served: Talk, nurse: Member, patient: Member, owner: Person
):
    assert send(app, served, patient) == "ok"
    told = read(served, patient)
    assert told == read(served, nurse)
    records = [one for kind, one in told if kind == RECORD]
    assert [one["kind"] for one in records] == ["checkups", "checkups", "prescriptions"]
    shown = owner.ask("GET", f"/patients/{owner.patient_uuid}/checkups").json["items"]
    for one, item in zip(records, shown, strict=False):
        assert one["id"] == str(item["id"])
        for name in ("checkup_date", "location", "items", "systolic_mmhg"):
            assert one["record"][name] == item[name]
    assert told[-1][0] == SUMMARY
    assert told[-1][1]["counts"] == {"checkups": 2, "prescriptions": 1, "report": 0}
    assert {one["clientSeq"] for one in envelopes(served, nurse)} == {1, 2, 3, 4}


def test_the_services_keys_are_unsealed_once_for_a_batch(app: Flask, served: Talk, patient: Member):
    with count_unsealed(app) as unsealed:
        assert send(app, served, patient) == "ok"
    assert len(unsealed) == 1


def test_a_record_is_what_the_person_sees_of_it_and_nothing_of_its_provider(
    app: Flask, served: Talk, patient: Member, owner: Person
):
    add_report(app, owner)
    send(app, served, patient)
    told = [one for kind, one in read(served, patient) if kind == RECORD]
    for one, shown in zip(told, shown_records(owner), strict=True):
        assert one["record"] == shown


def shown_records(owner: Person) -> list[dict[str, Any]]:
    """As the API tells them, but for their ids (which stand beside them), what the provider wrote, and who it is."""
    pages = [owner.ask("GET", f"/patients/{owner.patient_uuid}/{kind}").json for kind in ALL]
    items = [*pages[0]["items"], *pages[1]["items"], pages[2]["report"]]
    beside = {"id", "updated_at", "raw_data", "provider"}
    return [{name: value for name, value in item.items() if name not in beside} for item in items]


def add_report(app: Flask, owner: Person) -> None:
    theirs = {"partner_id": "welno", "patient_uuid": owner.patient_uuid, "hospital_id": DEFAULT_HOSPITAL}
    said = {"mkt_uuid": "m-77", "data": {"order": "o-77"}}
    risks = {"disease_data": [{"name": "당뇨", "rate": "1.2", "label": "정상"}], "cancer_data": []}
    ours = {"session_id": uuid.UUID(owner.session_id), "mkt_uuid": "m-77", "provider": "acme", "mediarc_response": said}
    known = {"report_url": "https://reports.example/1.pdf", "bodyage": 39, "rank": 15}
    days = {"analyzed_at": clock.now(), "checkup_date": date(2025, 3, 2)}
    with parts(app).stores.unit_of_work() as work:
        work.session.add(MediarcReport(**theirs, **risks, **ours, **known, **days))


def test_what_was_sent_stands_in_the_audit_and_the_access_log(
    app: Flask, served: Talk, patient: Member, engine: Engine
):
    before = looks(engine)
    send(app, served, patient, "checkups", "report", "checkups")
    assert audited(engine) == [(patient.member, 2, "ok"), (SERVICE_MEMBER, None, "ok")]
    assert looks(engine) - before == 2


def test_a_sending_stands_in_the_access_log_with_the_whole_address(served: Talk, patient: Member, owner: Person):
    patient.client.environ_base["REMOTE_ADDR"] = "2001:db8:1:2::77"
    assert ask(served, patient, "checkups").status_code == 202
    [item] = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log").json["items"]
    assert (item["action"], item["address"]) == ("checkups", "2001:db8:1:2::77")


def test_a_repeated_task_doubles_nothing(app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine):
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    assert sender(app).run(sending_id) == "ok"
    before = served.items(nurse)
    assert sender(app).run(sending_id) is None
    with engine.begin() as connection:  # as if it had broken off before it said so
        connection.execute(text("update welno.welno_thread_record_sendings set ended_at = null"))
    assert sender(app).run(sending_id) == "ok"
    assert served.items(nurse) == before


def test_one_that_was_killed_between_is_resumed_by_the_sweep(
    app: Flask, served: Talk, nurse: Member, patient: Member, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(record_sending, "_BATCH_MESSAGES", 1)
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    killed = sender(app)
    batches, row = killed._batches, _sending(app, sending_id)
    killed._write(row, next(batches(row)))
    assert len(envelopes(served, nurse)) == 1
    with parts(app).stores.unit_of_work() as work:
        assert resend_sendings(work, clock.now()) == 0
        assert resend_sendings(work, clock.now() + timedelta(minutes=3)) == 1
        assert [(one.name, one.about) for one in work.calls] == [("welno.threads.send_records", str(sending_id))]
        work.calls.clear()
    assert sender(app).run(sending_id) == "ok"
    told = read(served, nurse)
    assert [kind for kind, _ in told] == [RECORD, RECORD, RECORD, SUMMARY]
    assert len({(one["kind"], one["id"]) for kind, one in told if kind == RECORD}) == 3


def _sending(app: Flask, sending_id: uuid.UUID) -> Any:
    with parts(app).stores.sessions() as session:
        return session.get(RecordSending, sending_id)


def test_two_workers_at_once_send_each_record_once(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    with engine.connect() as holder, ThreadPoolExecutor(2) as pool:
        holder.execute(text("select 1 from welno.welno_threads for update"))
        workers = [pool.submit(sender(app).run, sending_id) for _ in range(2)]
        waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        wait_until(lambda: len(rows(engine, waiting)) == 2)
        holder.rollback()
        assert [one.result(timeout=30) for one in workers] == ["ok", "ok"]
    assert [kind for kind, _ in read(served, nurse)] == [RECORD, RECORD, RECORD, SUMMARY]
    assert len(rows(engine, "select 1 from welno.welno_thread_audit where action = 'send_records'")) == 2


def test_asked_again_while_it_is_under_way_it_is_the_same_sending(app: Flask, served: Talk, patient: Member):
    first = ask(served, patient, "checkups", "report")
    again = ask(served, patient, "report", "checkups")
    assert (first.status_code, again.json["sendingId"]) == (202, first.json["sendingId"])
    other = ask(served, patient, "report").json["sendingId"]
    assert other != first.json["sendingId"]
    sender(app).run(uuid.UUID(first.json["sendingId"]))
    assert ask(served, patient, "checkups", "report").json["sendingId"] != first.json["sendingId"]


def test_a_repeated_request_is_the_same_sending_also_after_its_end(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    """Whose first answer was lost."""
    request_id = str(uuid.uuid4())
    first = ask(served, patient, requestId=request_id)
    sending_id = uuid.UUID(first.json["sendingId"])
    assert sender(app).run(sending_id) == "ok"
    before = (served.items(nurse), audited(engine), looks(engine))
    again = ask(served, patient, requestId=request_id)
    assert (again.status_code, again.json["sendingId"]) == (202, str(sending_id))
    assert (served.items(nurse), audited(engine), looks(engine)) == before
    leave(served, SERVICE_MEMBER, served.keyset("k2", [nurse.device, patient.device]))
    assert ask(served, patient, requestId=request_id).json["sendingId"] == str(sending_id)
    assert code(ask(served, patient, requestId=str(uuid.uuid4()))) == (409, "SERVICE_NOT_MEMBER")


def test_a_request_that_met_a_sending_under_way_is_that_one_also_after_its_end(
    app: Flask, served: Talk, patient: Member
):
    request_ids = [str(uuid.uuid4()) for _ in range(3)]
    first, second = [ask(served, patient, requestId=one).json["sendingId"] for one in request_ids[:2]]
    sender(app).run(uuid.UUID(first))
    repeated = [ask(served, patient, requestId=one).json["sendingId"] for one in request_ids]
    assert (second, repeated[:2]) == (first, [first, first])
    assert repeated[2] != first


def test_a_sending_keeps_the_newest_of_many_requests_that_met_it(served: Talk, patient: Member, engine: Engine):
    request_ids = [str(uuid.uuid4()) for _ in range(25)]
    assert {ask(served, patient, requestId=one).status_code for one in request_ids} == {202}
    with engine.connect() as connection:
        kept = connection.scalar(text("select asked_as from welno.welno_thread_record_sendings where ended_at is null"))
    assert kept == request_ids[-20:]


def test_a_request_is_known_by_its_patient_in_its_thread_alone(
    served: Talk, nurse: Member, colleague: Person, patient: Member
):
    other = Member(colleague.client, colleague.bearer)
    shared, request_id = begin_served(nurse, patient, other), str(uuid.uuid4())
    asked = [(served, patient), (shared, patient), (shared, other)]
    assert len({ask(talk, one, requestId=request_id).json["sendingId"] for talk, one in asked}) == 3


def audited(engine: Engine) -> list[tuple[Any, ...]]:
    query = "select actor, count, result from welno.welno_thread_audit where action = 'send_records' order by n"
    return [tuple(one) for one in rows(engine, query)]


def looks(engine: Engine) -> int:
    return len(rows(engine, "select 1 from welno.welno_access_log where what in ('checkups', 'report')"))


def leave(talk: Talk, member: str, keyset: Any = None) -> None:
    body = {"memberId": member, "keyset": keyset}
    assert talk.owner.post(f"/{talk.id}/members/remove", body).status_code == 200


def test_what_is_larger_than_an_envelope_comes_in_parts_of_one_commit(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    sending_id = uuid.UUID(ask(served, patient, "checkups").json["sendingId"])
    assert sender(app, payload_max_bytes=1000).run(sending_id) == "ok"
    found = read(served, nurse)
    sizes = rows(engine, "select octet_length(payload) as size from welno.welno_thread_items where payload is not null")
    assert max(one.size for one in sizes) <= 1000
    pieces: dict[str, list[Any]] = {}
    for kind, one in found:
        if kind == PART:
            pieces.setdefault(one["documentId"], []).append(one)
    assert len(pieces) == 2
    for parts_of_one in pieces.values():
        assert [one["part"] for one in parts_of_one] == list(range(1, parts_of_one[0]["parts"] + 1))
        whole = b"".join(bytes_of(one["data"]) for one in parts_of_one)
        head = parts_of_one[0]
        assert (head["contentType"], head["size"]) == (RECORD, len(whole))
        assert head["sha256"] == hashlib.sha256(whole).hexdigest()
        assert json.loads(whole)["kind"] == "checkups"


def test_staff_cannot_have_anything_sent(served: Talk, nurse: Member, doctor: Member):
    assert code(ask(served, nurse)) == (403, "FORBIDDEN")
    assert code(ask(served, doctor)) == (404, "THREAD_NOT_FOUND")


def test_another_patient_is_refused_in_a_thread_that_is_not_theirs(
    app: Flask, served: Talk, colleague: Person, patient: Member, nurse: Member
):
    other = Member(colleague.client, colleague.bearer)
    assert code(ask(served, other)) == (404, "THREAD_NOT_FOUND")
    theirs = begin_served(nurse, other)
    assert code(ask(theirs, patient)) == (404, "THREAD_NOT_FOUND")
    assert send(app, theirs, other) == "ok"
    assert read(theirs, other)[-1][1]["counts"] == {"checkups": 1, "prescriptions": 0, "report": 0}


def test_a_patient_gets_their_own_records_in_a_thread_with_another_patient(
    app: Flask, colleague: Person, patient: Member, nurse: Member
):
    other = Member(colleague.client, colleague.bearer)
    shared = begin_served(nurse, patient, other)
    send(app, shared, other)
    assert read(shared, patient)[-1][1]["counts"]["checkups"] == 1


def test_a_thread_without_the_service_and_a_reader_are_refused(talk: Talk, nurse: Member, patient: Member):
    assert code(ask(talk, patient)) == (409, "SERVICE_NOT_MEMBER")
    reads = begin_served(nurse, patient, role="reader")
    assert code(ask(reads, patient)) == (403, "FORBIDDEN")
    writes = begin_served(nurse, patient)
    nurse.post(f"/{writes.id}/members/role", {"memberId": SERVICE_MEMBER, "role": "reader"})
    assert code(ask(writes, patient)) == (409, "SERVICE_NOT_MEMBER")


@pytest.mark.parametrize("what", [[], ["everything"], ["report"] * 4, "report", None, [1]], ids=str)
def test_what_is_malformed_is_refused(served: Talk, patient: Member, what: Any):
    assert code(patient.post(f"/{served.id}/send-records", {"what": what})) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("request_id", ["again", str(uuid.UUID(int=10)).upper(), 1], ids=str)
def test_a_request_id_that_is_no_uuid_is_refused(served: Talk, patient: Member, request_id: Any):
    assert code(ask(served, patient, requestId=request_id)) == (400, "VALIDATION_FAILED")


def test_who_has_left_meanwhile_has_nothing_sent_to_the_others(
    app: Flask, served: Talk, nurse: Member, patient: Member
):
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    patient.post(f"/{served.id}/members/remove", {"memberId": patient.member})
    assert sender(app).run(sending_id) == "THREAD_NOT_FOUND"
    assert envelopes(served, nurse) == []
    assert sender(app).run(sending_id) is None


def test_a_service_that_was_removed_meanwhile_sends_nothing(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    """And the audit says so, although it is no member any more."""
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    leave(served, SERVICE_MEMBER, served.keyset("k2", [nurse.device, patient.device]))
    assert sender(app).run(sending_id) == "THREAD_NOT_FOUND"
    assert envelopes(served, nurse) == []
    assert audited(engine) == [(patient.member, 3, "ok"), (SERVICE_MEMBER, None, "THREAD_NOT_FOUND")]
    assert is_whole(app, served)


def test_the_end_of_a_sending_stands_in_the_audit_of_a_closed_thread(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    assert nurse.ask("DELETE", f"/{served.id}").status_code == 204
    assert sender(app).run(sending_id) == "THREAD_NOT_FOUND"
    assert audited(engine)[-1] == (SERVICE_MEMBER, None, "THREAD_NOT_FOUND")
    assert is_whole(app, served)


def is_whole(app: Flask, talk: Talk) -> bool:
    with parts(app).stores.sessions() as session:
        verified = verify_thread(session, talk.id)
    return verified is not None and verified.is_whole


def test_a_sending_waits_for_private_keys_that_do_not_open(app: Flask, served: Talk, patient: Member, engine: Engine):
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    with engine.begin() as connection:
        connection.execute(text("update welno.welno_thread_service_devices set sealed_keys = 'lost'"))
    with pytest.raises(SealError):
        sender(app).run(sending_id)
    [row] = rows(engine, "select ended_at from welno.welno_thread_record_sendings")
    assert row.ended_at is None


def test_what_never_ends_is_given_up_after_a_day(app: Flask, served: Talk, patient: Member, engine: Engine):
    sending_id = uuid.UUID(ask(served, patient).json["sendingId"])
    here, later = parts(app).stores, clock.now() + timedelta(days=1, minutes=1)
    with here.unit_of_work() as work:
        assert resend_sendings(work, later) == 0
    assert give_up_sendings(here.threads, clock.now()) == 0
    assert (give_up_sendings(here.threads, later), give_up_sendings(here.threads, later)) == (1, 0)
    [row] = rows(engine, "select result from welno.welno_thread_record_sendings")
    assert row.result == "GIVEN_UP"
    assert audited(engine) == [(patient.member, 3, "ok"), (SERVICE_MEMBER, None, "GIVEN_UP")]
    assert sender(app).run(sending_id) is None
    with here.unit_of_work() as work:
        resend_sendings(work, clock.now() + timedelta(days=40))
    assert rows(engine, "select 1 from welno.welno_thread_record_sendings") == []


def test_a_thread_that_is_held_keeps_no_other_from_being_given_up(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    other = begin_served(nurse, patient)
    held, ended = [ask(talk, patient).json["sendingId"] for talk in (served, other)]
    here, later = parts(app).stores, clock.now() + timedelta(days=1, minutes=1)
    with engine.connect() as holder:
        holder.execute(text("select 1 from welno.welno_threads where id = :id for update"), {"id": served.id})
        assert give_up_sendings(here.threads, later) == 1
        found = rows(engine, "select id::text from welno.welno_thread_record_sendings where ended_at is not null")
        assert [one.id for one in found] == [ended]
        holder.rollback()
    assert give_up_sendings(here.threads, later) == 1
    assert sender(app).run(uuid.UUID(held)) is None


def test_records_go_under_the_key_that_the_service_has_just_made(
    app: Flask, served: Talk, nurse: Member, patient: Member, engine: Engine
):
    with engine.begin() as connection:
        connection.execute(text("update welno.welno_threads set key_state = 'due'"))
    assert send(app, served, patient, "report") == "ok"
    [envelope] = envelopes(served, nurse)
    assert envelope["enc"]["kid"] == "k2"
    assert read(served, nurse)[0][0] == SUMMARY
    assert tender(app).tend_due() == 0


def test_the_log_and_the_task_hold_ids_alone(app: Flask, served: Talk, patient: Member, owner: Person, logged: Any):
    sent: list[Any] = []
    unit_of_work = parts(app).stores.unit_of_work
    before, unit_of_work._send = unit_of_work._send, sent.append
    try:
        sending_id = ask(served, patient).json["sendingId"]
    finally:
        unit_of_work._send = before
    assert [(one.name, one.about) for one in sent] == [("welno.threads.send_records", sending_id)]
    sender(app).run(uuid.UUID(sending_id))
    assert str(owner.patient_uuid) not in logged.getvalue()


def test_a_later_sending_sends_all_again_under_ids_of_its_own(app: Flask, served: Talk, nurse: Member, patient: Member):
    """Somebody may have joined since who does not see the first."""
    for _ in range(2):
        send(app, served, patient, "checkups")
    assert [one["counts"]["checkups"] for kind, one in read(served, nurse) if kind == SUMMARY] == [2, 2]
    dedupe_ids = {one["dedupeId"] for one in envelopes(served, nurse)}
    assert len(dedupe_ids) == 6
