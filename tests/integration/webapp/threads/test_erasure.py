"""A patient's erasure: their own threads go wholly, in others' threads they are out, and nothing of theirs opens."""

from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, text

from services.delivery.event_sweep import StreamSweep
from services.personal_data import build_erasure_job
from services.stores import Stores
from services.threads.exporters import THREADS_EXPORTER
from streams import NOWHERE
from tests.integration.webapp.people import Person
from tests.redis_snapshots import put_back, take_snapshot
from webapp.current import parts

from .members import Member, Talk, begin_talk
from .service import begin_served, tender
from .test_blobs import Upload, files_of


def erase(app: Flask, owner: Person) -> dict[str, Any]:
    answer = owner.ask("DELETE", f"/patients/{owner.patient_uuid}")
    assert answer.status_code == 202, answer.text
    here = parts(app)
    with here.stores.sessions() as session:
        erasure_id = session.execute(text("select id from welno.welno_erasures")).scalar_one()
    build_erasure_job(here.stores, here.spool).run(erasure_id)
    with here.stores.sessions() as session:
        receipt: dict[str, Any] = session.execute(text("select receipt from welno.welno_erasures")).scalar_one()
        assert session.execute(text("select state from welno.welno_erasures")).scalar_one() == "completed"
    return receipt


def count(engine: Engine, table: str, where: str, **values: Any) -> int:
    with engine.connect() as connection:
        query = text(f"select count(*) from welno.{table} where {where}")
        return int(connection.execute(query, values).scalar_one())


def test_own_threads_go_and_others_lose_the_member(
    app: Flask, talk: Talk, nurse: Member, patient: Member, owner: Person, engine: Engine, redis_client: redis.Redis
):
    own = begin_talk(patient, nurse)
    own.say(patient, 2)
    talk.say(patient, 2)
    receipt = erase(app, owner)
    assert (receipt["threads"], receipt["thread_memberships"], receipt["thread_wraps"] > 0) == (1, 1, True)
    for table in ("welno_thread_items", "welno_thread_members", "welno_thread_keysets", "welno_thread_clients"):
        assert count(engine, table, "thread_id = :id", id=own.id) == 0, table
    assert [one["threadId"] for one in nurse.get("").json["threads"]] == [talk.id]
    assert [one.get("event") for one in talk.items(nurse)] == ["key", None, None, "member_removed"]
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "due"
    assert patient.get("/me").status_code == 401
    revoked = "member = :member and state = 'revoked' and pass_hash is null and earlier_passes = '[]'"
    assert count(engine, "welno_thread_devices", revoked, member=patient.member) == 1
    assert redis_client.exists(f"stream:{{thread:{own.id}}}:log") == 0


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_redis_that_comes_back_with_older_data_tells_nothing_of_own_threads(
    app: Flask, nurse: Member, patient: Member, owner: Person, redis_client: redis.Redis, is_closed: bool
):
    own, here = begin_talk(patient, nurse), parts(app).stores
    own.say(patient, 2)
    if is_closed:
        assert patient.ask("DELETE", f"/{own.id}").status_code == 204
        here.sender.fill(f"thread:{own.id}")
        forget_rewritten(here)
    snapshot = take_snapshot(redis_client)
    erase(app, owner)
    put_back(redis_client, snapshot)
    assert here.streams.position(f"thread:{own.id}").seq
    StreamSweep(here.sessions, here.streams, here.kinds, here.sender).run(0)
    assert here.streams.position(f"thread:{own.id}") == NOWHERE


def forget_rewritten(here: Stores) -> None:
    """As days later."""
    with here.sessions.begin() as session:
        session.execute(text("delete from welno.welno_rewritten_subjects"))


def test_blobs_go_with_their_thread_and_stay_with_those_of_others(
    app: Flask, talk: Talk, nurse: Member, patient: Member, owner: Person, engine: Engine
):
    own, others = Upload(patient, begin_talk(patient, nurse).id).run(), Upload(patient, talk.id).run()
    Upload(nurse, own.thread, b"in the patient's thread").run()
    assert Upload(patient, talk.id).put(1).status_code == 200
    receipt = erase(app, owner)
    assert (receipt["thread_blobs"], receipt["thread_uploads"]) == (3, 1)
    assert count(engine, "welno_thread_blobs", "true") == 1
    assert {path.parent for path in files_of(app)} == {path.parent for path in files_of(app)[:1]}
    assert others.read(nurse).data == others.content


def test_an_archive_tells_of_memberships_devices_blobs_and_sendings(
    app: Flask, talk: Talk, patient: Member, owner: Person
):
    begin_talk(patient)
    upload = Upload(patient, talk.id).run()
    served = begin_served(patient)
    patient.post(f"/{served.id}/send-records", {"what": ["checkups"]})
    with parts(app).stores.sessions() as session:
        found = THREADS_EXPORTER.read(session, UUID(str(owner.patient_uuid)))
    assert {row["role"] for row in found["thread_memberships"]} == {"writer", "owner"}
    assert [row["kem_key"] for row in found["thread_devices"]] == [patient.device.kem_key]
    assert [(str(row["blob_id"]), row["size_bytes"]) for row in found["thread_blobs"]] == [
        (upload.blob_id, len(upload.content))
    ]
    [sending] = found["thread_record_sendings"]
    assert (sending["thread_id"], sending["what"]) == (served.id, ["checkups"])
    assert "pass_hash" not in found["thread_devices"][0]


def test_a_patient_who_is_alone_leaves_no_device(app: Flask, patient: Member, owner: Person, engine: Engine):
    begin_talk(patient)
    assert erase(app, owner)["threads"] == 1
    assert count(engine, "welno_thread_devices", "true") == 0
    assert count(engine, "welno_thread_members", "true") == 0
    assert count(engine, "welno_thread_audit", "action = 'delete'") == 1


def test_a_thread_in_which_only_the_service_is_left_goes_with_the_patient(
    app: Flask, patient: Member, owner: Person, engine: Engine
):
    own = begin_served(patient)
    patient.post(f"/{own.id}/send-records", {"what": ["checkups"]})
    receipt = erase(app, owner)
    assert (receipt["threads"], receipt["thread_record_sendings"]) == (1, 1)
    assert count(engine, "welno_thread_members", "true") == 0
    assert count(engine, "welno_thread_devices", "member <> 'service:welno'") == 0
    assert count(engine, "welno_thread_record_sendings", "true") == 0


def test_in_others_threads_the_service_makes_a_key_without_the_erased_patient(
    app: Flask, nurse: Member, patient: Member, owner: Person
):
    talk = begin_served(nurse, patient)
    erase(app, owner)
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "due"
    assert tender(app).tend_due() == 1
    assert [one["event"] for one in talk.items(nurse)] == ["key", "member_removed", "key"]
    key = nurse.get(f"/{talk.id}/keys", deviceId=nurse.device.device_id).json["keys"][-1]
    assert patient.device.device_id not in {one["deviceId"] for one in key["recipients"]}


def make_owner(talk: Talk, by: Member, other: Member) -> None:
    body = {"memberId": other.member, "role": "owner"}
    assert by.post(f"/{talk.id}/members/role", body).status_code == 200


def leave(talk: Talk, member: Member) -> None:
    assert member.post(f"/{talk.id}/members/remove", {"memberId": member.member}).status_code == 200


def test_a_thread_that_the_person_made_and_left_stays_with_who_is_in_it(
    app: Flask, nurse: Member, patient: Member, owner: Person
):
    left = begin_talk(patient, nurse)
    left.say(nurse, 2)
    make_owner(left, patient, nurse)
    leave(left, patient)
    before = left.items(nurse)
    receipt = erase(app, owner)
    assert (receipt["threads"], receipt["thread_memberships"], receipt["thread_items"]) == (0, 0, 0)
    assert left.items(nurse) == before
    assert nurse.get("").json["threads"][0]["role"] == "owner"


def test_a_thread_that_has_another_owner_goes_on_without_the_one_who_made_it(
    app: Flask, nurse: Member, patient: Member, owner: Person
):
    shared = begin_talk(patient, nurse)
    shared.say(nurse, 1)
    make_owner(shared, patient, nurse)
    receipt = erase(app, owner)
    assert (receipt["threads"], receipt["thread_memberships"]) == (0, 1)
    assert [one.get("event") for one in shared.items(nurse)] == ["key", None, "role_changed", "member_removed"]


def test_a_thread_of_somebody_else_gets_a_new_owner(
    app: Flask, nurse: Member, doctor: Member, patient: Member, owner: Person
):
    talk = begin_talk(nurse, doctor, patient)
    make_owner(talk, nurse, patient)
    leave(talk, nurse)
    assert erase(app, owner)["thread_memberships"] == 1
    told = [(one["event"], one["data"]) for one in talk.items(doctor)]
    assert told[-2:] == [
        ("role_changed", {"memberId": doctor.member, "role": "owner"}),
        ("member_removed", {"memberId": patient.member}),
    ]
    assert doctor.get(f"/{talk.id}/status").json["role"] == "owner"


def test_a_thread_in_which_nobody_could_write_is_closed_and_told_to_be(
    app: Flask, nurse: Member, doctor: Member, patient: Member, owner: Person, engine: Engine
):
    talk = begin_talk(nurse, doctor, patient, role="reader")
    make_owner(talk, nurse, patient)
    leave(talk, nurse)
    assert erase(app, owner)["threads"] == 1
    assert doctor.get(f"/{talk.id}/recent").status_code == 404
    closed = "id = :id and closed_at is not null"
    assert count(engine, "welno_threads", closed, id=talk.id) == 1
    assert count(engine, "welno_thread_audit", "thread_id = :id and action = 'delete'", id=talk.id) == 1
