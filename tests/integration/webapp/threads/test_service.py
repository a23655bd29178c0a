"""`service:welno` as a member: it makes keys, rotates them when due, and seals them to devices that lack them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from flask import Flask
from sqlalchemy import Engine, text

from services.threads.audit import verify_thread
from services.threads.encoding import SERVICE_MEMBER
from services.threads.record_sending import RecordSender
from services.threads.service_device import device_context
from services.threads.signing import is_signed
from tests.thread_devices import ClientDevice, bytes_of, open_envelope
from tests.waiting import wait_until
from webapp.current import parts

from .members import Member, Talk
from .service import (
    SERVICE,
    as_recipient,
    begin_served,
    claim_of,
    count_unsealed,
    envelopes,
    events,
    keys_of,
    kids,
    learn,
    secrets_of,
    service_device,
    tender,
)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def change(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def invite(talk: Talk, member: str, history: str = "all", **more: Any) -> Any:
    body = {"memberId": member, "role": "writer", "history": history, "wraps": []}
    return talk.owner.post(f"/{talk.id}/members", body | more)


def remove(talk: Talk, by: Member, member: str, **more: Any) -> Any:
    return by.post(f"/{talk.id}/members/remove", {"memberId": member} | more)


def test_a_thread_with_the_service_has_a_key_at_once_signed_by_its_device(nurse: Member, patient: Member):
    talk = begin_served(nurse, patient)
    told = nurse.get(f"/{talk.id}/status").json
    assert (told["kid"], told["keyState"]) == ("k1", "ok")
    assert SERVICE_MEMBER in {one["memberId"] for one in told["members"]}
    device = service_device(talk, nurse)
    assert device["state"] == "active"
    [item] = talk.items(patient)
    assert (item["event"], item["by"]) == ("key", SERVICE_MEMBER)
    [key] = keys_of(talk, patient)["keys"]
    assert key["createdBy"] == device["deviceId"]
    assert is_signed(device["signKey"], key["sig"], claim_of(talk, key).text)
    assert secrets_of(talk, nurse) == secrets_of(talk, patient)
    talk.say(patient)


def test_the_same_request_again_makes_no_second_key_and_no_second_device(nurse: Member, engine: Engine):
    nurse.register()
    body = {"requestId": str(uuid.uuid4()), "members": [SERVICE]}
    first = nurse.post("", body)
    assert (nurse.post("", body).status_code, first.json["lastSeq"]) == (200, 1)
    begin_served(nurse)
    with engine.connect() as connection:
        counted = connection.execute(text("select count(*) from welno.welno_thread_service_devices")).scalar_one()
    assert counted == 1
    assert nurse.get(f"/{first.json['threadId']}/status").json["lastSeq"] == 1


def test_the_services_private_keys_are_sealed_for_its_device(app: Flask, nurse: Member, engine: Engine):
    talk = begin_served(nurse)
    device = service_device(talk, nurse)
    with engine.connect() as connection:
        row = connection.execute(text("select device_id, sealed_keys from welno.welno_thread_service_devices")).one()
    keys = parts(app).stores.sealer.open(bytes(row.sealed_keys), device_context(device["deviceId"]))
    assert device_context(row.device_id) == f"thread_device:{device['deviceId']}"
    assert len(keys) == 64
    assert bytes_of(device["kemKey"]) not in keys


def test_a_thread_without_the_service_is_left_alone(app: Flask, talk: Talk, nurse: Member, engine: Engine):
    change(engine, "update welno.welno_threads set key_state = 'due'")
    assert tender(app).tend_due() == 0
    assert nurse.get(f"/{talk.id}/status").json["kid"] == "k1"


@pytest.mark.parametrize(
    "due",
    [
        "key_made_at = key_made_at - interval '30 days 1 minute'",
        "key_seq = key_seq - 16777217",
        "key_state = 'due'",
    ],
)
def test_a_key_that_is_due_is_rotated_by_the_sweep_once(
    app: Flask, nurse: Member, patient: Member, engine: Engine, due: str
):
    talk = begin_served(nurse, patient)
    assert tender(app).tend_due() == 0
    change(engine, f"update welno.welno_threads set {due}")
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert kids(talk, patient) == [("k1", "retiring"), ("k2", "active")]
    talk.say(patient)  # of before the rotation: taken for another day
    learn(talk, patient)
    talk.say(patient, kid="k2")


def test_a_revoked_device_has_the_key_rotated(app: Flask, nurse: Member, patient: Member):
    talk = begin_served(nurse, patient)
    patient.post(f"/devices/{patient.device.device_id}/revoke")
    assert tender(app).tend_of_device(uuid.UUID(patient.device.device_id)) == 1
    key = keys_of(talk, nurse)["keys"][-1]
    assert key["kid"] == "k2"
    recipients = {one["deviceId"] for one in key["recipients"]}
    assert recipients == {nurse.device.device_id, service_device(talk, nurse)["deviceId"]}


def test_an_approved_device_is_given_the_keys_of_all_threads(app: Flask, nurse: Member, patient: Member):
    talks = [begin_served(nurse, patient), begin_served(patient)]
    tablet = ClientDevice(patient.member)
    assert patient.register(tablet).json["state"] == "pending"
    assert tender(app).tend_of_device(uuid.UUID(tablet.device_id)) == 0
    patient.post(f"/devices/{tablet.device_id}/approve", patient.device.approval_of(tablet))
    assert tender(app).tend_of_device(uuid.UUID(tablet.device_id)) == 2
    for talk in talks:
        assert secrets_of(talk, patient, tablet) == secrets_of(talk, patient)
        assert keys_of(talk, patient)["lacking"] == []


def test_a_change_of_a_device_sends_the_task_with_its_id_alone(nurse: Member, doctor: Member, app: Flask):
    sent: list[Any] = []
    unit_of_work = parts(app).stores.unit_of_work
    before, unit_of_work._send = unit_of_work._send, sent.append
    try:
        begin_served(nurse)
        doctor.register()  # in no thread
        nurse.post(f"/devices/{nurse.device.device_id}/revoke")
    finally:
        unit_of_work._send = before
    assert [(one.name, one.about) for one in sent] == [("welno.threads.tend_device", nurse.device.device_id)]


def test_the_sweep_finds_wraps_that_are_missing(app: Flask, nurse: Member, patient: Member, engine: Engine):
    talk = begin_served(nurse, patient)
    lost = "delete from welno.welno_thread_wraps where device_id = :device"
    change(engine, lost, device=patient.device.device_id)
    assert secrets_of(talk, patient) == {}
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert secrets_of(talk, patient) == secrets_of(talk, nurse)


def test_a_new_member_gets_the_history_without_wraps_of_the_owner(nurse: Member, patient: Member, doctor: Member):
    talk = begin_served(nurse, patient)
    doctor.register()
    assert invite(talk, doctor.member).status_code == 201
    assert secrets_of(talk, doctor) == secrets_of(talk, nurse)


def test_a_new_member_without_the_history_begins_with_a_generation_of_the_service(
    nurse: Member, patient: Member, doctor: Member
):
    talk = begin_served(nurse, patient)
    doctor.register()
    assert invite(talk, doctor.member, "from_now").status_code == 201
    assert events(talk, nurse) == ["key", "member_added", "key"]
    assert set(secrets_of(talk, doctor)) == {"k2"}
    assert kids(talk, nurse) == [("k1", "retired"), ("k2", "active")]


@pytest.mark.parametrize("by_owner", [True, False])
def test_who_is_removed_or_leaves_opens_nothing_of_what_comes(nurse: Member, patient: Member, by_owner: bool):
    talk = begin_served(nurse, patient)
    assert remove(talk, nurse if by_owner else patient, patient.member).status_code == 200
    assert events(talk, nurse) == ["key", "member_removed", "key"]
    assert kids(talk, nurse) == [("k1", "retired"), ("k2", "active")]
    refused = nurse.push(talk.envelope(nurse)).json["results"][0]
    assert refused["code"] == "KEY_RETIRED"
    recipients = {one["deviceId"] for one in keys_of(talk, nurse)["keys"][-1]["recipients"]}
    assert patient.device.device_id not in recipients


def test_the_service_joins_with_a_generation_of_its_own_and_opens_nothing_of_before(talk: Talk, nurse: Member):
    talk.say(nurse)
    assert invite(talk, SERVICE_MEMBER, "from_now").status_code == 201
    assert events(talk, nurse) == ["key", "message", "member_added", "key"]
    assert kids(talk, nurse) == [("k1", "retired"), ("k2", "active")]
    assert keys_of(talk, nurse)["lacking"] == []
    assert invite(talk, SERVICE_MEMBER, "from_now").status_code == 200


def test_a_service_that_was_sealed_nothing_makes_a_key_that_it_can_open(
    app: Flask, talk: Talk, nurse: Member, patient: Member
):
    assert invite(talk, SERVICE_MEMBER).status_code == 201
    assert kids(talk, patient) == [("k1", "retiring"), ("k2", "active")]
    [lacks] = keys_of(talk, nurse)["lacking"]
    assert (lacks["memberId"], lacks["kids"]) == (SERVICE_MEMBER, ["k1"])
    assert tender(app).tend_due() == 0


class Forging(ClientDevice):
    """As others know it; what is sealed to it opens nothing."""

    def wrap(self, secret: bytes, thread_id: str, kid: str) -> str:
        return ClientDevice(self.member, self.device_id).wrap(secret, thread_id, kid)


def forged(talk: Talk, member: Member) -> ClientDevice:
    service = as_recipient(service_device(talk, member))
    return Forging(service.member, service.device_id, service.kem)


def test_a_newest_key_that_was_not_sealed_to_the_service_stops_no_message(
    app: Flask, nurse: Member, patient: Member, engine: Engine
):
    talk = begin_served(nurse, patient)
    keyset = talk.keyset("k2", [nurse.device, patient.device, forged(talk, nurse)])
    assert nurse.post(f"/{talk.id}/keys", keyset).status_code == 201
    sending_id = patient.post(f"/{talk.id}/send-records", {"what": ["checkups"]}).json["sendingId"]
    here = parts(app).stores
    sender = RecordSender(here.sessions, here.threads, here.service_member, here.settings.threads.payload_max_bytes)
    assert sender.run(uuid.UUID(sending_id)) == "ok"
    assert {one["enc"]["kid"] for one in envelopes(talk, patient)} == {"k3"}
    assert set(secrets_of(talk, patient)) == {"k1", "k2", "k3"}


def test_an_older_key_that_was_not_sealed_to_the_service_is_sealed_to_it_anew(
    app: Flask, talk: Talk, nurse: Member, patient: Member
):
    """Whoever seals rubbish to it keeps neither it nor other devices from the key that it is of."""
    begin_served(nurse)  # the service has a device
    invite(talk, SERVICE_MEMBER)
    service = forged(talk, nurse)
    rubbish = {"deviceId": service.device_id, "wrapped": service.wrap(b"x" * 32, talk.id, "k1")}
    assert nurse.post(f"/{talk.id}/keys/k1/wraps", {"wraps": [rubbish]}).status_code == 200
    tablet = ClientDevice(patient.member)
    patient.register(tablet)
    patient.post(f"/devices/{tablet.device_id}/approve", patient.device.approval_of(tablet))
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    lacking = {(one["deviceId"], *one["kids"]) for one in keys_of(talk, nurse)["lacking"]}
    assert lacking == {(service.device_id, "k1"), (tablet.device_id, "k1")}
    secret = secrets_of(talk, nurse)["k1"]
    honest = as_recipient(service_device(talk, nurse)).wrap(secret, talk.id, "k1")
    wraps = [{"deviceId": service.device_id, "wrapped": honest}]
    nurse.post(f"/{talk.id}/keys/k1/wraps", {"wraps": wraps})
    assert (tender(app).tend_due(), tender(app).tend_due()) == (1, 0)
    assert secrets_of(talk, patient, tablet)["k1"] == secret
    assert keys_of(talk, nurse)["lacking"] == []


@pytest.fixture
def sealed_off(nurse: Member, patient: Member, engine: Engine) -> Talk:
    """A thread whose service's private keys no sealing key opens."""
    talk = begin_served(nurse, patient)
    change(engine, "update welno.welno_thread_service_devices set sealed_keys = 'lost'")
    return talk


def test_a_service_whose_keys_do_not_open_keeps_nobody_from_leaving(
    app: Flask, sealed_off: Talk, nurse: Member, patient: Member
):
    assert remove(sealed_off, patient, patient.member).status_code == 200
    assert nurse.get(f"/{sealed_off.id}/status").json["keyState"] == "due"
    assert tender(app).tend_due() == 0


@pytest.mark.parametrize(("by_owner", "times"), [(True, 0), (False, 1)])
def test_the_services_keys_are_unsealed_for_a_removal_as_far_as_it_needs_them(
    app: Flask, nurse: Member, patient: Member, by_owner: bool, times: int
):
    talk = begin_served(nurse, patient)
    keyset = talk.keyset("k2", [nurse.device, as_recipient(service_device(talk, nurse))]) if by_owner else None
    with count_unsealed(app) as unsealed:
        assert remove(talk, nurse if by_owner else patient, patient.member, keyset=keyset).status_code == 200
    assert len(unsealed) == times


def test_without_the_services_keys_an_owner_brings_the_keyset(
    sealed_off: Talk, nurse: Member, patient: Member, doctor: Member
):
    doctor.register()
    assert code(remove(sealed_off, nurse, patient.member)) == (409, "KEYSET_NEEDED")
    assert code(invite(sealed_off, doctor.member, "from_now")) == (409, "KEYSET_NEEDED")
    service = as_recipient(service_device(sealed_off, nurse))
    of_all = sealed_off.keyset("k2", [nurse.device, patient.device, service, doctor.device])
    assert invite(sealed_off, doctor.member, "from_now", keyset=of_all).status_code == 201
    sealed_off.keep(of_all)
    of_others = sealed_off.keyset("k3", [nurse.device, service, doctor.device])
    assert remove(sealed_off, nurse, patient.member, keyset=of_others).status_code == 200
    assert kids(sealed_off, nurse)[-1] == ("k3", "active")


def test_without_its_keys_the_service_joins_and_makes_none(sealed_off: Talk, talk: Talk, nurse: Member):
    answer = nurse.post("", {"requestId": str(uuid.uuid4()), "members": [SERVICE]})
    assert (answer.status_code, answer.json["keyState"]) == (201, "missing")
    assert code(invite(talk, SERVICE_MEMBER, "from_now")) == (409, "KEYSET_NEEDED")
    assert invite(talk, SERVICE_MEMBER).status_code == 201


def test_a_removed_service_opens_nothing_that_comes_after(app: Flask, nurse: Member, patient: Member, engine: Engine):
    talk = begin_served(nurse, patient)
    assert code(remove(talk, nurse, SERVICE_MEMBER)) == (409, "KEYSET_NEEDED")
    keyset = talk.keyset("k2", [nurse.device, patient.device])
    assert remove(talk, nurse, SERVICE_MEMBER, keyset=keyset).status_code == 200
    talk.say(patient, kid="k2")
    with engine.connect() as connection:
        row = connection.execute(text("select device_id, sealed_keys from welno.welno_thread_service_devices")).one()
        held = connection.execute(
            text("select count(*) from welno.welno_thread_wraps where device_id = :id and generation = 2"),
            {"id": row.device_id},
        ).scalar_one()
    assert held == 0
    envelope = talk.items(nurse)[-1]["envelope"]
    with pytest.raises(InvalidTag):
        open_envelope(envelope, secrets_of(talk, nurse)["k1"])
    change(engine, "update welno.welno_threads set key_state = 'due'")
    assert tender(app).tend_due() == 0


def test_an_owner_and_the_service_at_once_make_one_generation(
    app: Flask, nurse: Member, patient: Member, engine: Engine
):
    talk = begin_served(nurse, patient)
    service = as_recipient(service_device(talk, nurse))
    change(engine, "update welno.welno_threads set key_state = 'due'")
    keyset = talk.keyset("k2", [nurse.device, patient.device, service])
    with engine.connect() as holder, ThreadPoolExecutor(2) as pool:
        holder.execute(text("select 1 from welno.welno_threads for update"))
        by_owner = pool.submit(nurse.post, f"/{talk.id}/keys", keyset)
        by_service = pool.submit(tender(app).tend_due)
        wait_until(lambda: _waiting(engine) == 2)
        holder.rollback()
        answer, done = by_owner.result(timeout=30), by_service.result(timeout=30)
    assert (answer.status_code, done) in {(201, 0), (409, 1)}
    assert [kid for kid, _ in kids(talk, nurse)] == ["k1", "k2"]
    assert nurse.get(f"/{talk.id}/status").json["keyState"] == "ok"


def test_the_service_opens_what_an_owner_has_rotated_and_makes_no_other(
    app: Flask, nurse: Member, patient: Member, engine: Engine
):
    talk = begin_served(nurse, patient)
    change(engine, "update welno.welno_threads set key_state = 'due'")
    keyset = talk.keyset("k2", [nurse.device, patient.device, as_recipient(service_device(talk, nurse))])
    assert nurse.post(f"/{talk.id}/keys", keyset).status_code == 201
    assert tender(app).tend_due() == 0
    late = nurse.post(f"/{talk.id}/keys", keyset | {"check": "A" * 22})
    assert (code(late), late.json["error"]["details"]) == ((409, "KEY_CONFLICT"), {"next": "k3"})


def test_two_workers_at_once_make_one_generation(app: Flask, nurse: Member, patient: Member, engine: Engine):
    talk = begin_served(nurse, patient)
    change(engine, "update welno.welno_threads set key_state = 'due'")
    with engine.connect() as holder, ThreadPoolExecutor(2) as pool:
        holder.execute(text("select 1 from welno.welno_threads for update"))
        workers = [pool.submit(tender(app).tend_due) for _ in range(2)]
        wait_until(lambda: _waiting(engine) == 2)
        holder.rollback()
        done = [one.result(timeout=30) for one in workers]
    assert sorted(done) == [0, 1]
    assert [kid for kid, _ in kids(talk, nurse)] == ["k1", "k2"]
    with parts(app).stores.sessions() as session:
        verified = verify_thread(session, talk.id)
    assert verified is not None
    assert verified.is_whole


def test_the_service_is_no_owner_who_could_stay_alone(nurse: Member):
    talk = begin_served(nurse)
    assert nurse.post(f"/{talk.id}/members/role", {"memberId": SERVICE_MEMBER, "role": "owner"}).status_code == 200
    assert code(remove(talk, nurse, nurse.member)) == (409, "LAST_OWNER")


def _waiting(engine: Engine) -> int:
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with engine.connect() as connection:
        return int(connection.execute(text(waiting)).scalar_one())
