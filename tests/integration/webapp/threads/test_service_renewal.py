"""Another device for `service:welno`: swapped alone, and told in each of its threads with a new key."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from services.threads.encoding import SERVICE_MEMBER
from services.threads.service_member import service_caller
from webapp.current import parts

from .members import Member, Talk
from .service import as_recipient, begin_served, events, keys_of, kids, learn, service_device, tender


def renew(app: Flask) -> str:
    here = parts(app).stores
    with here.threads(service_caller("operator")) as unit:
        return here.service_member.renew_device(unit)


def audited(engine: Engine) -> list[tuple[str, str]]:
    query = "select action, result from welno.welno_thread_audit where actor = :service order by thread_id, n"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), {"service": SERVICE_MEMBER})]


def renewed_device(talk: Talk, member: Member) -> dict[str, Any]:
    devices = member.get(f"/{talk.id}/devices").json["devices"]
    [found] = [one for one in devices if (one["memberId"], one["state"]) == (SERVICE_MEMBER, "active")]
    return dict(found)


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_operator_renews_the_services_device(
    app: Flask, nurse: Member, patient: Member, engine: Engine, is_lost: bool
):
    """Also one that no sealing key opens any more."""
    talk = begin_served(nurse, patient)
    before = service_device(talk, nurse)["deviceId"]
    if is_lost:
        with engine.begin() as connection:
            connection.execute(text("update welno.welno_thread_service_devices set sealed_keys = 'lost'"))
    renewed = renew(app)
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert events(talk, nurse) == ["key", "device_revoked", "device_added", "key"]
    told = [one["data"]["deviceId"] for one in talk.items(nurse) if one["event"].startswith("device_")]
    assert told == [before, renewed]
    assert audited(engine)[-3:] == [("device_revoke", "ok"), ("device_add", "reset"), ("key_rotate", "ok")]
    states = {one["deviceId"]: one["state"] for one in nurse.get(f"/{talk.id}/devices").json["devices"]}
    assert (states[before], states[renewed]) == ("revoked", "active")
    [*_, key] = keys_of(talk, patient)["keys"]
    assert (key["kid"], key["createdBy"]) == ("k2", renewed)
    [lacks] = keys_of(talk, nurse)["lacking"]
    assert (lacks["deviceId"], lacks["kids"]) == (renewed, ["k1"])
    with engine.connect() as connection:
        kept = connection.execute(text("select device_id::text from welno.welno_thread_service_devices")).scalars()
        assert kept.all() == [renewed]
    learn(talk, patient)
    talk.say(patient, kid="k2")


def test_threads_that_are_held_keep_no_device_from_being_renewed_and_no_other_from_being_told(
    app: Flask, nurse: Member, patient: Member, engine: Engine
):
    held, other = begin_served(nurse, patient), begin_served(nurse, patient)
    with engine.connect() as holder:
        holder.execute(text("select 1 from welno.welno_threads where id = :id for update"), {"id": held.id})
        renewed = renew(app)
        assert tender(app).tend_of_device(uuid.UUID(renewed)) == 1
        assert events(other, nurse) == ["key", "device_revoked", "device_added", "key"]
        holder.rollback()
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert events(held, nurse) == ["key", "device_revoked", "device_added", "key"]


def test_a_renewed_device_leaves_as_a_task_and_locks_no_thread(app: Flask, nurse: Member, engine: Engine):
    begin_served(nurse)
    sent: list[Any] = []
    unit_of_work = parts(app).stores.unit_of_work
    before, unit_of_work._send = unit_of_work._send, sent.append
    try:
        with engine.connect() as holder:
            holder.execute(text("select 1 from welno.welno_threads for update"))
            renewed = renew(app)
    finally:
        unit_of_work._send = before
    assert [(one.name, one.about) for one in sent] == [("welno.threads.tend_device", renewed)]


def test_an_owners_key_for_the_renewed_device_is_kept_and_the_renewal_is_told(
    app: Flask, nurse: Member, patient: Member
):
    talk = begin_served(nurse, patient)
    renew(app)
    service = renewed_device(talk, nurse)
    keyset = talk.keyset("k2", [nurse.device, patient.device, as_recipient(service)])
    assert nurse.post(f"/{talk.id}/keys", keyset).status_code == 201
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert events(talk, nurse) == ["key", "key", "device_revoked", "device_added"]
    assert kids(talk, nurse) == [("k1", "retiring"), ("k2", "active")]


def test_a_key_that_the_device_before_may_know_is_rotated_although_the_renewed_one_has_it(
    app: Flask, nurse: Member, patient: Member
):
    talk = begin_served(nurse, patient)
    renew(app)
    service = renewed_device(talk, nurse)
    wrapped = as_recipient(service).wrap(talk.secrets["k1"], talk.id, "k1")
    wraps = [{"deviceId": service["deviceId"], "wrapped": wrapped}]
    assert nurse.post(f"/{talk.id}/keys/k1/wraps", {"wraps": wraps}).status_code == 200
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert kids(talk, nurse) == [("k1", "retiring"), ("k2", "active")]
    assert keys_of(talk, nurse)["lacking"] == []
