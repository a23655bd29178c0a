"""A thread of as many members and devices as the settings allow: its keys can be changed, and who is in it."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from flask import Flask

from core.base64url import encode_bytes
from core.settings import ThreadSettings
from core.settings.variables import variables_of
from models.threads import ThreadDevice, ThreadMember
from tests.thread_devices import ClientDevice
from webapp.api.threads.schemas.keys import MOST_WRAPS
from webapp.current import parts

from .members import Member, Talk

MEMBERS, DEVICES = 100, 50
KEM, SIGN = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()


class QuietDevice(ClientDevice):
    """One of many, whose wraps nobody opens."""

    def wrap(self, secret: bytes, thread_id: str, kid: str) -> str:
        return encode_bytes(bytes(80))


def devices_of(member: str, count: int) -> list[ClientDevice]:
    return [QuietDevice(member, kem=KEM, sign=SIGN) for _ in range(count)]


def row_of(device: ClientDevice) -> ThreadDevice:
    return ThreadDevice(
        device_id=UUID(device.device_id),
        member=device.member,
        kem_key=device.kem_key,
        sign_key=device.sign_key,
        signed_at="2026-11-25T08:00:00.000Z",
        sig="s",
        state="active",
    )


@pytest.fixture
def crowd(app: Flask, talk: Talk, nurse: Member, patient: Member, doctor: Member) -> Iterator[list[ClientDevice]]:
    """All devices of all who are in, of whom one is missing; the doctor, who may come, has theirs."""
    here = parts(app).stores
    doctor.register()
    others = [f"patient:{uuid4()}" for _ in range(MEMBERS - 3)]
    made = [one for member in others for one in devices_of(member, DEVICES)]
    made += [one for member in (nurse, patient) for one in devices_of(member.member, DEVICES - 1)]
    with here.unit_of_work() as work:
        work.session.add_all(ThreadMember(thread_id=talk.id, member=one, role="reader") for one in others)
        work.session.add_all(map(row_of, [*made, *devices_of(doctor.member, DEVICES - 1)]))
    before = here.threads._settings
    here.threads._settings = replace(before, members_max=MEMBERS, devices_max=DEVICES)
    yield [nurse.device, patient.device, *made]
    here.threads._settings = before


def test_its_keys_and_its_members_change(talk: Talk, nurse: Member, doctor: Member, crowd: list[ClientDevice]):
    theirs = [one["deviceId"] for one in nurse.get(f"/{talk.id}/devices", joining=doctor.member).json["devices"]]
    joining = [
        QuietDevice(doctor.member, one, kem=KEM, sign=SIGN)
        for one in {*theirs} - {one.device_id for one in crowd} - {doctor.device.device_id}
    ]
    everybody = [*crowd, doctor.device, *joining]
    assert len(everybody) == MEMBERS * DEVICES
    made = talk.keyset("k2", crowd)
    assert nurse.post(f"/{talk.id}/keys", made).status_code == 201
    talk.keep(made)
    told = {"memberId": doctor.member, "role": "writer", "history": "from_now", "keyset": talk.keyset("k3", everybody)}
    assert nurse.post(f"/{talk.id}/members", told).status_code == 201
    talk.keep(told["keyset"])
    again = [{"deviceId": one["deviceId"], "wrapped": one["wrapped"]} for one in told["keyset"]["wraps"]]
    assert nurse.post(f"/{talk.id}/keys/k3/wraps", {"wraps": again}).status_code == 200
    removal = {"memberId": doctor.member, "keyset": talk.keyset("k4", crowd)}
    assert nurse.post(f"/{talk.id}/members/remove", removal).status_code == 200


def test_one_with_a_long_history_gets_its_wraps(talk: Talk, nurse: Member, doctor: Member):
    """Of each generation for each device."""
    doctor.register()
    wraps = [{"kid": "k1", "deviceId": doctor.device.device_id, "wrapped": encode_bytes(bytes(80))}] * MOST_WRAPS
    told = {"memberId": doctor.member, "role": "writer", "history": "all", "wraps": wraps}
    assert nurse.post(f"/{talk.id}/members", told).status_code == 201


def test_a_keyset_may_be_as_long_as_the_settings_allow():
    settings = variables_of(ThreadSettings)
    for name, most in (("members_max", MEMBERS), ("devices_max", DEVICES)):
        assert settings[name].read(str(most)) == most
        with pytest.raises(ValueError, match="must"):
            settings[name].read(str(most + 1))
    assert MEMBERS * DEVICES <= MOST_WRAPS
