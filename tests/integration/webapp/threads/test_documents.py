"""The documents for machines say what items and frames of threads hold: no field is missing, and none more is sent."""

from typing import Any

import jsonschema_rs
import orjson
import pytest
from flask import Flask

from services.threads.reading import find_thread
from webapp.api.threads.live.authority import ThreadAuthority
from webapp.api.threads.live.sources import ThreadSource
from webapp.auth.thread_members import KnownMember
from webapp.current import parts
from webapp.relay import messages
from webapp.relay.closing import CloseCode

from .members import Member, Talk

Json = dict[str, Any]


def judge(app: Flask, document: str, name: str, told: Json) -> None:
    """Raises ValidationError."""
    components = app.test_client().get(f"/api/{document}.json").json["components"]
    assert set(told) - set(components["schemas"][name]["properties"]) == set()
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    jsonschema_rs.Draft7Validator(schema).validate(told)


@pytest.mark.parametrize(
    "frame",
    [
        messages.pong(7),
        messages.error(messages.ErrorCode.UNKNOWN_TYPE),
        messages.error(messages.ErrorCode.TOO_MANY_COMMANDS, threadId="A" * 22),
    ],
)
def test_what_the_relay_answers_by_itself_is_as_the_document_says(app: Flask, frame: bytes):
    told = orjson.loads(frame)
    judge(app, "asyncapi", f"thread_{told['type']}", told)


def frame_of(source: ThreadSource, code: CloseCode) -> Json:
    frame: Json = orjson.loads(source.ended(code))
    return frame


def test_items_are_as_both_documents_say(app: Flask, talk: Talk, patient: Member):
    talk.say(patient)
    items = {one["type"]: one for one in talk.items(patient)}
    assert set(items) == {"message", "system"}
    for type_, item in items.items():
        judge(app, "openapi", "ItemOutput", item)
        judge(app, "asyncapi", f"thread_{type_}", item)


@pytest.mark.parametrize(
    ("code", "reason"), [(CloseCode.TRY_AGAIN_LATER, "unavailable"), (CloseCode.UNKNOWN, "removed")]
)
def test_the_end_of_a_subscription_is_as_the_document_says(
    app: Flask, talk: Talk, patient: Member, code: CloseCode, reason: str
):
    here = parts(app).stores
    with here.sessions() as session:
        opened = find_thread(session, talk.id, patient.member)
    source = ThreadSource(here, ThreadAuthority(here), KnownMember(patient.member), opened, None)
    frame = frame_of(source, code)
    assert frame["reason"] == reason
    judge(app, "asyncapi", "thread_unsubscribed", frame)
    with pytest.raises(jsonschema_rs.ValidationError):
        judge(app, "asyncapi", "thread_unsubscribed", frame | {"reason": "another"})
