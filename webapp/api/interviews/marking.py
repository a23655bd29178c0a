"""What members add to a finished analysis: names of speakers, and highlights."""

from typing import Any
from uuid import UUID

from flask import Response, g
from flask_smorest import Blueprint

from services.interviews.bodies import describe_speakers
from services.interviews.highlights import (
    HighlightDraft,
    add_highlight,
    change_highlight,
    list_highlights,
    list_project_highlights,
    remove_highlight,
)
from services.interviews.masking.masker import PatternMasker
from services.interviews.numbering import NoteMasker
from services.interviews.speakers import name_speakers
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.schemas.marking import (
    HighlightInput,
    HighlightOutput,
    HighlightsOutput,
    HighlightsQuery,
    ProjectHighlightsOutput,
    SpeakersInput,
    SpeakersOutput,
)
from webapp.auth.members import MemberCaller, for_member
from webapp.current import parts, stores

blueprint = Blueprint("interviews_marking", __name__, url_prefix="/api", description="Speakers and highlights")
_ONE = "/interviews/<uuid:interview_id>/highlights"


@blueprint.put("/interviews/<uuid:interview_id>/speakers")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(SpeakersInput, error_status_code=400)
@blueprint.response(200, SpeakersOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415)
def put_speakers(caller: MemberCaller, body: dict[str, Any], interview_id: UUID) -> dict[str, Any]:
    """Name the script's speakers, in the place of all names so far; two with one name are one."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        interview = name_speakers(member, interview_id, body["speakers"], _note_masker())
        return {"success": True, "speakers": describe_speakers(interview), "revision": interview.revision}


@blueprint.get(_ONE)
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, HighlightsOutput)
@fails(blueprint, 401, 404)
def show_highlights(caller: MemberCaller, interview_id: UUID) -> dict[str, Any]:
    """In the order in which they were made."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "highlights": list_highlights(member, interview_id)}


@blueprint.get("/projects/<uuid:project_id>/highlights")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(HighlightsQuery, location="query", error_status_code=400)
@blueprint.response(200, ProjectHighlightsOutput)
@fails(blueprint, 400, 401, 404)
def show_project_highlights(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """The newest 500, or those with a tag; with the interview's title and what was said."""
    with stores().member_work.reading(caller.account_id) as member:
        return {"success": True, "highlights": list_project_highlights(member, project_id, query["tag"])}


@blueprint.post(_ONE)
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(HighlightInput, error_status_code=400)
@blueprint.response(200, HighlightOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415)
def post_highlight(caller: MemberCaller, body: dict[str, Any], interview_id: UUID) -> dict[str, Any]:
    """Told to the project as `interview:highlighted`."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        made = add_highlight(member, interview_id, HighlightDraft(**body), _note_masker())
        return {"success": True, "highlight": made}


@blueprint.put(f"{_ONE}/<uuid:highlight_id>")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(HighlightInput, error_status_code=400)
@blueprint.response(200, HighlightOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415)
def put_highlight(caller: MemberCaller, body: dict[str, Any], interview_id: UUID, highlight_id: UUID) -> dict[str, Any]:
    """Also another's."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        changed = change_highlight(member, interview_id, highlight_id, HighlightDraft(**body), _note_masker())
        return {"success": True, "highlight": changed}


@blueprint.delete(f"{_ONE}/<uuid:highlight_id>")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(204)
@fails(blueprint, 401, 403, 404)
def delete_highlight(caller: MemberCaller, interview_id: UUID, highlight_id: UUID) -> Response:
    """Also another's."""
    with stores().member_work(caller.account_id, g.request_id) as member:
        remove_highlight(member, interview_id, highlight_id)
    return Response(status=204)


def _note_masker() -> NoteMasker:
    return NoteMasker(PatternMasker(), parts().spool.interviews)
