"""A member's projects: their interviews, members and personas."""

from typing import Any
from uuid import UUID

from flask import Response, g
from flask_smorest import Blueprint

from models.interviews import InterviewStatus, ProjectRole
from services.delivery.event_log import read_epoch
from services.interviews.listing import ListWish, list_interviews, list_personas, list_projects, show_project
from services.interviews.membership import list_members, put_member, remove_member
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.schemas.interviews import InterviewsOutput, InterviewsQuery
from webapp.api.interviews.schemas.projects import (
    OneProjectOutput,
    PersonasOutput,
    ProjectMemberInput,
    ProjectMemberQuery,
    ProjectMembersOutput,
    ProjectsOutput,
)
from webapp.auth.members import MemberCaller, for_member
from webapp.current import stores

blueprint = Blueprint("interviews_projects", __name__, url_prefix="/api/projects", description="Projects of members")


@blueprint.get("")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, ProjectsOutput)
@fails(blueprint, 401)
def show_projects(caller: MemberCaller) -> dict[str, Any]:
    """Mine, with my role and the company."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "projects": list_projects(member)}


@blueprint.get("/<uuid:project_id>")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, OneProjectOutput)
@fails(blueprint, 401, 404)
def show_one_project(caller: MemberCaller, project_id: UUID) -> dict[str, Any]:
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "project": show_project(member, project_id)}


@blueprint.get("/<uuid:project_id>/interviews")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(InterviewsQuery, location="query", error_status_code=400)
@blueprint.response(200, InterviewsOutput)
@fails(blueprint, 400, 401, 404)
def show_interviews(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """Newest first. Who follows the stream after `last_event_id` misses nothing."""
    wish = ListWish(
        limit=query["limit"],
        before=query["before"],
        status=query["status"] and InterviewStatus(query["status"]),
        is_deleted=query["deleted"],
    )
    here = stores()
    with here.unit_of_work.reading() as work:
        epoch = read_epoch(work.session)
        with here.member_work.enter(work, caller.account_id) as member:
            page = list_interviews(member, project_id, wish)
    return {
        "success": True,
        "interviews": page.interviews,
        "next": page.next,
        "last_event_id": f"{epoch}:{page.event_seq}",
    }


@blueprint.get("/<uuid:project_id>/personas")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, PersonasOutput)
@fails(blueprint, 401, 404)
def show_personas(caller: MemberCaller, project_id: UUID) -> dict[str, Any]:
    """Of the company, with how many interviews of the project match each."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "personas": list_personas(member, project_id)}


@blueprint.get("/<uuid:project_id>/members")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, ProjectMembersOutput)
@fails(blueprint, 401, 404)
def show_members(caller: MemberCaller, project_id: UUID) -> dict[str, Any]:
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "members": list_members(member, project_id)}


@blueprint.post("/<uuid:project_id>/members")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(ProjectMemberInput, error_status_code=400)
@blueprint.response(200, ProjectMembersOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def add_member(caller: MemberCaller, body: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """Somebody of the same company; who is in already gets the role."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        put_member(member, project_id, body["email"], ProjectRole(body["role"]))
        return {"success": True, "members": list_members(member, project_id)}


@blueprint.delete("/<uuid:project_id>/members")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(ProjectMemberQuery, location="query", error_status_code=400)
@blueprint.response(204)
@fails(blueprint, 400, 401, 403, 404, 409)
def drop_member(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> Response:
    """Their open streams end within a second."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        remove_member(member, project_id, query["account_id"])
    return Response(status=204)
