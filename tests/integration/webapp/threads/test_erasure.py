"""A patient's erasure: their own threads go wholly, in others' threads they are out, and nothing of theirs opens."""

from typing import Any
from uuid import UUID

import redis
from flask import Flask
from sqlalchemy import Engine, text

from services.personal_data import build_erasure_job
from services.threads.exporters import THREADS_EXPORTER
from tests.integration.webapp.people import Person
from webapp.current import parts

from .members import Member, Talk, begin_talk


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
    revoked = "member = :member and state = 'revoked' and pass_hash is null"
    assert count(engine, "welno_thread_devices", revoked, member=patient.member) == 1
    assert redis_client.exists(f"stream:{{thread:{own.id}}}:log") == 0


def test_an_archive_tells_of_memberships_and_devices(app: Flask, talk: Talk, patient: Member, owner: Person):
    begin_talk(patient)
    with parts(app).stores.sessions() as session:
        found = THREADS_EXPORTER.read(session, UUID(str(owner.patient_uuid)))
    assert {row["role"] for row in found["thread_memberships"]} == {"writer", "owner"}
    assert [row["kem_key"] for row in found["thread_devices"]] == [patient.device.kem_key]
    assert "pass_hash" not in found["thread_devices"][0]


def test_a_patient_who_is_alone_leaves_no_device(app: Flask, patient: Member, owner: Person, engine: Engine):
    begin_talk(patient)
    assert erase(app, owner)["threads"] == 1
    assert count(engine, "welno_thread_devices", "true") == 0
    assert count(engine, "welno_thread_members", "true") == 0
    assert count(engine, "welno_thread_audit", "action = 'delete'") == 1
