"""A device that an operator lets in: of a member of staff, with whom no device can vouch for it any more."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from tests.integration.commands import Ended, run_command
from tests.thread_devices import ClientDevice

from .members import Member, Talk

Admit = Callable[..., Ended]


@pytest.fixture
def waiting(nurse: Member, talk: Talk) -> ClientDevice:
    """Her only device is lost, and revoked."""
    assert nurse.post(f"/devices/{nurse.device.device_id}/revoke").status_code == 200
    device = ClientDevice(nurse.member)
    assert nurse.register(device).json["state"] == "pending"
    return device


@pytest.fixture
def admit(nurse: Member, engine: Engine, demo_env: dict[str, str], postgres_url: str) -> Admit:
    query = text("select login from welno.accounts where account_id = :id")
    with engine.connect() as connection:
        login = connection.execute(query, {"id": nurse.member.removeprefix("staff:")}).scalar_one()

    def run(fingerprint: str, login: str = login, by: str = "the night shift") -> Ended:
        options = (f"--login={login}", f"--fingerprint={fingerprint}", f"--by={by}")
        return run_command("tasks.threads", "admit-device", *options, env=demo_env | {"DATABASE_URL": postgres_url})

    return run


def states_of(member: Member, talk: Talk) -> dict[str, str]:
    return {one["deviceId"]: one["state"] for one in member.get(f"/{talk.id}/devices").json["devices"]}


def test_it_is_admitted_by_its_fingerprint_and_all_are_told(
    engine: Engine, nurse: Member, patient: Member, talk: Talk, waiting: ClientDevice, admit: Admit
):
    spoken = waiting.claim.fingerprint.replace(" ", "").lower()
    done = admit(spoken)
    assert (done.status, done.output) == (0, f"{waiting.device_id} is active\n")
    assert states_of(patient, talk)[waiting.device_id] == "active"
    told = patient.get(f"/{talk.id}/recent").json["items"][-1]
    assert (told["event"], told["data"]) == ("device_added", {"memberId": nurse.member, "deviceId": waiting.device_id})
    audit = text("""
        select result, request_id from welno.welno_thread_audit
        where thread_id = :id and action = 'device_add' order by n desc limit 1
    """)
    with engine.connect() as connection:
        assert tuple(connection.execute(audit, {"id": talk.id}).one()) == ("reset", "operator")
        changes = connection.execute(text("select what, by from welno.account_changes order by id desc limit 1"))
        assert tuple(changes.one()) == ("thread_device_admitted", "the night shift")


def test_once_admitted_it_waits_no_more(patient: Member, talk: Talk, waiting: ClientDevice, admit: Admit):
    assert admit(waiting.claim.fingerprint).status == 0
    told = patient.get(f"/{talk.id}/recent").json["items"]
    assert admit(waiting.claim.fingerprint).status == 1
    assert patient.get(f"/{talk.id}/recent").json["items"] == told


def test_of_another_fingerprint_nothing_is_done(
    app: Flask, patient: Member, doctor: Member, talk: Talk, waiting: ClientDevice, nurse: Member, admit: Admit
):
    theirs = ClientDevice(doctor.member)
    assert doctor.register().status_code == 201
    assert doctor.register(theirs).json["state"] == "pending"
    for device in (ClientDevice(nurse.member), theirs, nurse.device, patient.device):
        done = admit(device.claim.fingerprint)
        assert (done.status, done.output) == (1, "")
        assert done.errors.endswith("no device of theirs waits for an approval with this fingerprint\n")
    assert states_of(patient, talk)[waiting.device_id] == "pending"


def test_it_wants_a_login_a_fingerprint_and_who_does_it(
    admit: Admit, waiting: ClientDevice, patient: Member, talk: Talk
):
    fingerprint = waiting.claim.fingerprint
    assert [admit(fingerprint, login="").status, admit("").status, admit(fingerprint, by="").status] == [2, 2, 2]
    unknown = admit(fingerprint, login="nobody")
    assert (unknown.status, unknown.output) == (1, "")
    assert states_of(patient, talk)[waiting.device_id] == "pending"
