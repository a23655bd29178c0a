"""What the AsyncAPI document says of a project's stream, and what the stream says."""

from typing import Any
from uuid import UUID, uuid4

import jsonschema_rs
import orjson
import pytest
from flask import Flask

from core.clock import clock
from core.names import InterviewEvent, project_subject
from models.interviews import Insight, InsightKind, Interview, InterviewStatus
from services.interviews.analysis_failures import AnalysisFault, failure_of
from services.interviews.events import (
    ProjectPart,
    tell_changed,
    tell_completed,
    tell_failed,
    tell_highlighted,
    tell_insight,
    tell_project,
    tell_status,
)
from services.interviews.row_security import as_analyst
from streams import Position
from tests.integration.interviews.company import World
from webapp.api.interviews.document import message_id
from webapp.api.interviews.stream import ProjectSource
from webapp.current import parts
from webapp.relay import messages

from .members import Member


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    shown: dict[str, Any] = app.test_client().get("/api/asyncapi.json").json
    return shown


def judge(document: dict[str, Any], frame: dict[str, Any]) -> None:
    schema = {"$ref": f"#/components/schemas/{message_id(frame['type'])}", "components": document["components"]}
    jsonschema_rs.Draft7Validator(schema).validate(frame)


def tell_the_rest(app: Flask, world: World, interview_id: UUID) -> None:
    """What only a worker says."""
    now = clock.now()
    with parts(app).stores.unit_of_work() as work, as_analyst(work.session, world.food):
        interview = work.session.get_one(Interview, interview_id)
        tell_status(work, interview, InterviewStatus.PROCESSING, now)
        tell_completed(work, interview, 1.5, now)
        interview.status, interview.error = InterviewStatus.FAILED, failure_of(AnalysisFault.STALE).describe()
        tell_failed(work, interview, now)
        tell_highlighted(work, interview, uuid4(), None, now)
        insight = Insight(id=uuid4(), project_id=world.food, kind=InsightKind.THEMES, status="failed", revision=2)
        tell_insight(work, insight, now)
        tell_changed(work, interview, now)
        for part in ProjectPart:
            tell_project(work, world.food, part, now)


def test_every_event_is_as_the_document_says(app: Flask, document: dict[str, Any], mina: Member, world: World):
    interview_id = mina.upload(world).json["interview_id"]
    tell_the_rest(app, world, UUID(interview_id))
    mina.ask("DELETE", f"/api/interviews/{interview_id}")
    page = parts(app).stores.streams.read_after(project_subject(world.food), 0)
    frames = [orjson.loads(event.to_json()) for event in page.events]
    for frame in frames:
        judge(document, frame)
    assert {frame["type"] for frame in frames} == set(InterviewEvent)


def test_the_frames_of_the_stream_itself_are_as_the_document_says(document: dict[str, Any]):
    resync = ProjectSource.resync(ProjectSource.__new__(ProjectSource), Position("e", 1))
    ping = ProjectSource.sse.keep_alive.removeprefix(b"data: ")
    for frame in (resync, ping, messages.closed(4404, "unknown")):
        judge(document, orjson.loads(frame))


def test_a_frame_that_is_otherwise_is_not(document: dict[str, Any]):
    frame = {"type": "interview:deleted", "seq": 1, "epoch": "e", "timestamp": "now", "data": {"interviewId": "i"}}
    with pytest.raises(jsonschema_rs.ValidationError):
        judge(document, frame)
    judge(document, frame | {"data": {"interviewId": "i", "revision": 2}})
