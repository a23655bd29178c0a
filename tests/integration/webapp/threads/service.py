"""A thread with `service:welno` in it, as a client in Python sees it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from flask import Flask

from services.threads.encoding import SERVICE_MEMBER
from services.threads.tending import ThreadTender
from services.threads.texts import KeysetClaim, Recipient
from tests.thread_devices import ClientDevice, bytes_of, check_of, open_envelope
from webapp.current import parts

from .members import Member, Talk

SERVICE = {"memberId": SERVICE_MEMBER, "role": "writer"}


def begin_served(owner: Member, *others: Member, role: str = "writer") -> Talk:
    """The server has made its key."""
    for member in (owner, *others):
        assert member.register().status_code in {200, 201}
    members = [SERVICE, *({"memberId": one.member, "role": role} for one in others)]
    answer = owner.post("", {"requestId": str(uuid.uuid4()), "members": members})
    assert (answer.status_code, answer.json["keyState"]) == (201, "ok"), answer.text
    talk = Talk(owner, answer.json["threadId"])
    learn(talk, owner)
    return talk


def tender(app: Flask) -> ThreadTender:
    here = parts(app).stores
    return ThreadTender(here.threads, here.service_member)


@contextmanager
def count_unsealed(app: Flask) -> Iterator[list[str]]:
    """What is opened meanwhile of the service's private keys."""
    service, unsealed = parts(app).stores.service_member, []
    before = service._sealer

    def open_counted(sealed: bytes, context: str) -> bytes:
        unsealed.append(context)
        return before.open(sealed, context)

    service._sealer = SimpleNamespace(open=open_counted)  # type: ignore[assignment]
    try:
        yield unsealed
    finally:
        service._sealer = before


def keys_of(talk: Talk, member: Member, device: ClientDevice | None = None) -> dict[str, Any]:
    told: dict[str, Any] = member.get(f"/{talk.id}/keys", deviceId=(device or member.device).device_id).json
    return told


def secrets_of(talk: Talk, member: Member, device: ClientDevice | None = None) -> dict[str, bytes]:
    """What the device opens, by kid; each is the secret that its maker has signed for."""
    device, opened = device or member.device, {}
    for key in keys_of(talk, member, device)["keys"]:
        if key["wrapped"] is not None:
            opened[key["kid"]] = device.open_wrap(key["wrapped"], talk.id, key["kid"])
            assert check_of(opened[key["kid"]], talk.id, key["kid"]) == key["check"]
    return opened


def claim_of(talk: Talk, key: dict[str, Any]) -> KeysetClaim:
    recipients = tuple(Recipient(one["deviceId"], one["kemKey"], one["wrapHash"]) for one in key["recipients"])
    head = (key["createdAt"], key["createdBy"], key["check"], key["prev"])
    return KeysetClaim(talk.id, key["kid"], *head, recipients, key["sig"])


def learn(talk: Talk, member: Member) -> None:
    """What the member's device can open now, and where a next keyset follows on."""
    talk.secrets |= secrets_of(talk, member)
    talk.prev = claim_of(talk, keys_of(talk, member)["keys"][-1]).hash


def service_device(talk: Talk, member: Member) -> dict[str, Any]:
    devices = member.get(f"/{talk.id}/devices").json["devices"]
    [found] = [one for one in devices if one["memberId"] == SERVICE_MEMBER]
    return dict(found)


def envelopes(talk: Talk, member: Member, sender: str = SERVICE_MEMBER) -> list[dict[str, Any]]:
    return [one["envelope"] for one in talk.items(member) if one.get("from") == sender]


def opened(talk: Talk, envelope: dict[str, Any]) -> bytes:
    return open_envelope(envelope, talk.secrets[envelope["enc"]["kid"]])


def events(talk: Talk, member: Member) -> list[str]:
    return [one.get("event", "message") for one in talk.items(member)]


def kids(talk: Talk, member: Member) -> list[tuple[str, str]]:
    return [(one["kid"], one["state"]) for one in keys_of(talk, member)["keys"]]


def as_recipient(told: dict[str, Any]) -> ClientDevice:
    """A device of which only the public keys are known."""
    key = X25519PublicKey.from_public_bytes(bytes_of(told["kemKey"]))
    kem: Any = SimpleNamespace(public_key=lambda: key)
    return ClientDevice(told["memberId"], told["deviceId"], kem)
