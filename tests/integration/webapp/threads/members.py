"""Members of threads with HTTP clients, their devices and the secrets that they hold."""

import os
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from limits import parse_many
from werkzeug.test import TestResponse

from services.threads.encoding import hash_bytes
from services.threads.texts import KeysetClaim, Recipient
from tests.thread_devices import ClientDevice, bytes_of
from webapp.current import parts
from webapp.limits import count_use, share_left

API = "/api/threads"


@dataclass
class Member:
    """Asks by bearer token, unless told otherwise."""

    client: FlaskClient
    headers: dict[str, str]
    member: str = ""
    device: ClientDevice = field(init=False)

    def __post_init__(self) -> None:
        self.member = self.ask("GET", "/me").json["memberId"]
        self.device = ClientDevice(self.member)

    def ask(self, method: str, path: str = "", **more: Any) -> TestResponse:
        headers = self.headers | more.pop("headers", {})
        return self.client.open(f"{API}{path}", method=method, headers=headers, **more)

    def post(self, path: str, body: Any = None) -> TestResponse:
        return self.ask("POST", path, json=body)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.ask("GET", path, query_string=query)

    def register(self, device: ClientDevice | None = None) -> TestResponse:
        return self.post("/devices", (device or self.device).registration())

    def push(self, *envelopes: Any) -> TestResponse:
        return self.post("/push-batch", {"envelopes": list(envelopes)})


@dataclass
class Talk:
    """A thread that its owner made, as the owner's client knows it."""

    owner: Member
    id: str
    secrets: dict[str, bytes] = field(default_factory=dict)
    prev: str = "-"

    def keyset(self, kid: str, devices: list[ClientDevice]) -> dict[str, Any]:
        """The body; `keep` notes it as made."""
        self.secrets[kid] = os.urandom(32)
        return self.owner.device.keyset(self.id, kid, self.secrets[kid], devices, self.prev)

    def keep(self, told: dict[str, Any]) -> None:
        recipients = tuple(
            Recipient(one["deviceId"], one["kemKey"], hash_bytes(bytes_of(one["wrapped"]))) for one in told["wraps"]
        )
        head = (told["createdAt"], told["createdBy"], told["check"], told["prev"])
        self.prev = KeysetClaim(self.id, told["kid"], *head, recipients, "").hash

    def rotate(self, kid: str, *members: Member) -> TestResponse:
        told = self.keyset(kid, [one.device for one in members])
        answer = self.owner.post(f"/{self.id}/keys", told)
        if answer.status_code == 201:
            self.keep(told)
        return answer

    def envelope(self, member: Member, kid: str = "k1", **changes: Any) -> dict[str, Any]:
        return member.device.envelope(self.id, kid, self.secrets[kid], **changes)

    def say(self, member: Member, count: int = 1, kid: str = "k1", **changes: Any) -> list[int]:
        answer = member.push(*(self.envelope(member, kid, **changes) for _ in range(count)))
        assert answer.status_code == 200, answer.text
        return [one["seq"] for one in answer.json["results"]]

    def items(self, member: Member) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = member.get(f"/{self.id}/range").json["items"]
        return items


def spend_acts(app: Flask, member: Member) -> None:
    """All that the member may still do in this minute."""
    limit = parts(app).stores.settings.threads.act_limit
    with app.app_context():
        left = share_left(limit, "thread-act", member.member) * parse_many(limit)[0].amount
        count_use(limit, "thread-act", member.member, round(left))


def begin_talk(owner: Member, *others: Member, role: str = "writer") -> Talk:
    """With a key for all of them."""
    for member in (owner, *others):
        assert member.register().status_code in {200, 201}
    body = {"requestId": str(uuid.uuid4()), "members": [{"memberId": one.member, "role": role} for one in others]}
    answer = owner.post("", body)
    assert answer.status_code == 201, answer.text
    talk = Talk(owner, answer.json["threadId"])
    assert talk.rotate("k1", owner, *others).status_code == 201
    return talk
