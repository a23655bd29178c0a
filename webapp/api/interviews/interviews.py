"""One interview: reading it, its original, deleting and restoring it."""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from flask import Response, g, jsonify
from flask_smorest import Blueprint

from core.logs import get_logger
from models.interviews import Interview, InterviewSource, ProjectRole
from services.interviews.audit import note_original_read
from services.interviews.bodies import describe_interview, describe_status, describe_whole
from services.interviews.changing import delete_interview, restore_interview
from services.interviews.erasure import ErasureTools, erase_as_member
from services.interviews.files import ORIGINAL, TEXT, read_said
from services.interviews.membership import find_interview, require_interview
from spool import UnknownFile
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.attachments import attachment
from webapp.api.interviews.schemas.interviews import (
    EraseQuery,
    InterviewOutput,
    InterviewReceiptOutput,
    InterviewStatusOutput,
    RestoredOutput,
)
from webapp.auth.members import MemberCaller, for_member
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError

log = get_logger(__name__)
blueprint = Blueprint("interviews", __name__, url_prefix="/api/interviews", description="Interviews")


@blueprint.get("/<uuid:interview_id>")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, InterviewOutput)
@fails(blueprint, 401, 404)
def show_interview(caller: MemberCaller, interview_id: UUID) -> dict[str, Any]:
    """With its masked text and its analysis."""
    with stores().member_work.reading(caller.account_id) as member:
        interview, role = find_interview(member, interview_id)
        return {"success": True, "interview": describe_whole(interview, of_original=role is ProjectRole.ADMIN)}


@blueprint.get("/<uuid:interview_id>/status")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, InterviewStatusOutput)
@fails(blueprint, 401, 404)
def show_status(caller: MemberCaller, interview_id: UUID) -> dict[str, Any]:
    """How far its analysis is."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, **describe_status(require_interview(member, interview_id))}


@blueprint.get("/<uuid:interview_id>/file")
@blueprint.doc(
    security=SECURITY_MEMBER,
    responses={200: {"description": "The original.", "content": {"application/octet-stream": {}}}},
)
@for_member
@fails(blueprint, 401, 403, 404)
def show_original(caller: MemberCaller, interview_id: UUID) -> Response:
    """The unmasked original, for admins; who reads it is written down."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        interview = require_interview(member, interview_id, ProjectRole.ADMIN)
        name, content = _open_original(interview)
        note_original_read(member, interview)
    log.info("interview_original_read", interview_id=str(interview_id), by=str(caller.account_id))
    return attachment(content, name)


def _open_original(interview: Interview) -> tuple[str, Iterator[bytes]]:
    """Its true name, and what is in it. Raises ApiError."""
    is_file = interview.source == InterviewSource.FILE
    files = parts().spool.interviews
    try:
        said = read_said(files, interview.id)
        pieces = files.read(interview.id, ORIGINAL if is_file else TEXT)
        return said.file_name or "interview.txt", chain([next(pieces, b"")], pieces)
    except UnknownFile as exc:
        raise ApiError(Code.INTERVIEW_NOT_FOUND) from exc


@blueprint.delete("/<uuid:interview_id>")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(EraseQuery, location="query", error_status_code=400)
@blueprint.response(200, InterviewReceiptOutput)
@blueprint.alt_response(204, description="Deleted softly.")
@fails(blueprint, 400, 401, 403, 404)
def delete(caller: MemberCaller, query: dict[str, Any], interview_id: UUID) -> Response:
    """Softly; with `erase` for good, and answered with what was erased."""
    if not query["erase"]:
        with stores().member_work(caller.account_id, g.request_id) as member:
            delete_interview(member, interview_id)
        return Response(status=204)
    here = stores()
    tools = ErasureTools(here.unit_of_work, here.sender.forget, parts().spool.interviews)
    receipt = erase_as_member(tools, here.member_work, caller.account_id, interview_id, g.request_id)
    log.info("interview_erased", interview_id=str(interview_id), by=str(caller.account_id))
    return jsonify({"success": True, "receipt": receipt})


@blueprint.post("/<uuid:interview_id>/restore")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, RestoredOutput)
@fails(blueprint, 401, 403, 404, 409)
def restore(caller: MemberCaller, interview_id: UUID) -> dict[str, Any]:
    """Within `WELNO_INTERVIEW_KEEP_DAYS`."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        interview = restore_interview(member, interview_id, stores().settings.interviews.keep_days)
        return {"success": True, "interview": describe_interview(interview)}
