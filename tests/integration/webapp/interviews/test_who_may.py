"""Every route of the interviews, tried by admin, editor, viewer, a stranger and nobody; each under row security."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from models.interviews import Interview, ProjectRole
from services.interviews import row_security
from services.interviews.errors import InterviewNotFound
from services.interviews.row_security import MemberWork
from tests.integration.interviews.company import World, add_interview
from webapp.api.interviews import interviews
from webapp.current import parts

from .members import Member
from .statements import roles_of_statements


@dataclass(frozen=True)
class Call:
    """One call, and how it answers admin, editor and viewer. `{p}` and `{i}` are the project and its interview."""

    method: str
    path: str
    admin: int = 200
    editor: int = 200
    viewer: int = 200
    body: dict[str, Any] | None = None


PROJECT, INTERVIEW = "/api/projects/{p}", "/api/interviews/{i}"
RANGE = {"firstUtteranceId": 1, "lastUtteranceId": 1}
WHO = {"email": "vera@demo.test", "role": "viewer"}
CALLS = {
    "interviews_workflow.upload": Call(
        "POST", "/api/workflow/async", viewer=403, body={"text": "말", "projectId": "{p}"}
    ),
    "interviews_workflow.retry": Call("POST", "/api/workflow/retry", 409, 409, 403, body={"interviewId": "{i}"}),
    "interviews_workflow.process": Call(
        "POST", "/api/workflow/process", 202, 403, 403, body={"interviewId": "{i}", "projectId": "{p}"}
    ),
    "interviews.show_interview": Call("GET", INTERVIEW),
    "interviews.show_status": Call("GET", INTERVIEW + "/status"),
    # test_projects.py has one with a file.
    "interviews.show_original": Call("GET", INTERVIEW + "/file", 404, 403, 403),
    "interviews.delete": Call("DELETE", INTERVIEW, 204, 204, 403),
    "interviews.restore": Call("POST", INTERVIEW + "/restore", 409, 409, 403),
    "interviews_projects.show_one_project": Call("GET", PROJECT),
    "interviews_projects.show_interviews": Call("GET", PROJECT + "/interviews"),
    "interviews_projects.show_personas": Call("GET", PROJECT + "/personas"),
    "interviews_projects.show_members": Call("GET", PROJECT + "/members"),
    "interviews_search.search": Call("GET", PROJECT + "/search?q=결제"),
    "interviews_audit.show_original_reads": Call("GET", PROJECT + "/original-reads", 200, 403, 403),
    "interviews_exports.export_interview": Call("GET", INTERVIEW + "/export?format=md"),
    "interviews_exports.export_project": Call("GET", PROJECT + "/export?format=csv"),
    "interviews_audit.show_project_costs": Call("GET", PROJECT + "/costs?month=2026-11", 200, 403, 403),
    "interviews_marking.put_speakers": Call("PUT", INTERVIEW + "/speakers", 200, 200, 403, {"speakers": {}}),
    "interviews_marking.show_highlights": Call("GET", INTERVIEW + "/highlights"),
    "interviews_marking.show_project_highlights": Call("GET", PROJECT + "/highlights"),
    # The interview has no script yet; test_marking.py has one.
    "interviews_marking.post_highlight": Call("POST", INTERVIEW + "/highlights", 400, 400, 403, RANGE),
    "interviews_marking.put_highlight": Call("PUT", INTERVIEW + "/highlights/{a}", 404, 404, 403, RANGE),
    "interviews_marking.delete_highlight": Call("DELETE", INTERVIEW + "/highlights/{a}", 404, 404, 403),
    # Nothing is analysed yet; test_insights.py has what is.
    "interviews_insights.post_themes": Call("POST", PROJECT + "/themes", 409, 409, 403),
    "interviews_insights.show_themes": Call("GET", PROJECT + "/themes"),
    "interviews_insights.post_persona": Call("POST", PROJECT + "/personas", 404, 404, 403, {"interviewIds": ["{i}"]}),
    "interviews_insights.show_generated_personas": Call("GET", PROJECT + "/generated-personas"),
    "interviews_projects.add_member": Call("POST", PROJECT + "/members", 200, 403, 403, WHO),
    "interviews_projects.drop_member": Call("DELETE", PROJECT + "/members?accountId={a}", 404, 403, 403),
    "interviews_metrics.note_received": Call(
        "POST", "/api/metrics/sse/received", 204, 204, 204, {"projectId": "{p}", "received": 1}
    ),
}
# Of nobody else's: everybody has their own list.
OWN = {"interviews_projects.show_projects": Call("GET", "/api/projects")}
# What comes of it is in test_stream.py, over real connections.
STREAMED = {"interviews_stream.project_events": Call("GET", "/api/sse/projects/{p}")}
# All of it in test_chat.py, over real connections.
ELSEWHERE = {"interviews_chat.chat"}
UNDER_ROW_SECURITY = CALLS | OWN | STREAMED


@pytest.fixture
def interview_id(app: Flask, world: World) -> UUID:
    with parts(app).stores.unit_of_work() as work:
        made = add_interview(work.session, world, world.food, "jun")
        work.session.execute(text("update welno.interview_runs set due_at = now() - interval '1 hour'"))
    return made


def ask(call: Call, member: Member, project_id: object, interview_id: object) -> Any:
    def fill(value: str) -> str:
        return value.replace("{p}", str(project_id)).replace("{i}", str(interview_id)).replace("{a}", str(uuid4()))

    body = call.body and json.loads(fill(json.dumps(call.body)))
    return member.ask(call.method, fill(call.path), json=body)


def test_every_route_is_tried(app: Flask):
    names = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("interviews")}
    assert names == set(UNDER_ROW_SECURITY) | ELSEWHERE
    assert {app.view_functions[name].access for name in names} == {"member"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_role_may_what_it_may(
    mina: Member, jun: Member, vera: Member, world: World, interview_id: UUID, call: Call
):
    wanted = {vera.name: call.viewer, jun.name: call.editor, mina.name: call.admin}
    found = {}
    for member in (vera, jun, mina):
        found[member.name] = ask(call, member, world.food, interview_id).status_code
    assert found == wanted


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_stranger_cannot_tell_theirs_from_nobodys(
    app: Flask, sora: Member, world: World, interview_id: UUID, call: Call
):
    theirs = ask(call, sora, world.food, interview_id)
    nobodys = ask(call, sora, uuid4(), uuid4())
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.json | {"request_id": ""} == nobodys.json | {"request_id": ""}
    nobody = Member(app.test_client(use_cookies=False), "", "none")
    assert ask(call, nobody, world.food, interview_id).status_code == 401


@pytest.mark.parametrize("call", UNDER_ROW_SECURITY.values(), ids=UNDER_ROW_SECURITY)
def test_each_route_is_under_row_security(app: Flask, mina: Member, world: World, interview_id: UUID, call: Call):
    """A superuser, as the demo's login is, would see everything without the role."""
    with roles_of_statements(parts(app).stores.engine) as seen:
        ask(call, mina, world.food, interview_id)
    assert seen, "no statement was looked at"
    assert {role for role, _ in seen} == {"welno_member"}


def find_without_where(member: MemberWork, interview_id: UUID) -> tuple[Interview, ProjectRole]:
    """A service that forgot to ask who is in the project."""
    found = member.session.get(Interview, interview_id)
    if found is None:
        raise InterviewNotFound
    return found, ProjectRole.VIEWER


def test_a_service_that_forgot_its_where_shows_nothing_of_another(
    sora: Member, world: World, interview_id: UUID, monkeypatch: pytest.MonkeyPatch
):
    path = f"/api/interviews/{interview_id}"
    monkeypatch.setattr(interviews, "find_interview", find_without_where)
    assert sora.ask("GET", path).status_code == 404
    # It is the role that did it: without one, the same service shows the row.
    monkeypatch.setattr(row_security, "_ENTER", text("select :role, :name, :value"))
    assert sora.ask("GET", path).status_code == 200
