"""Searching what was said in a project."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from services.interviews.search import SearchWish, search_utterances
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.schemas.search import SearchOutput, SearchQuery
from webapp.auth.members import MemberCaller, for_member
from webapp.current import stores

blueprint = Blueprint(
    "interviews_search", __name__, url_prefix="/api/projects", description="What was said in a project"
)


@blueprint.get("/<uuid:project_id>/search")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(SearchQuery, location="query", error_status_code=400)
@blueprint.response(200, SearchOutput)
@fails(blueprint, 400, 401, 404)
def search(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> dict[str, Any]:
    """Utterances with these letters in a row, whatever spaces and punctuation; the newest interview first."""
    with stores().member_work.reading(caller.account_id) as member:
        page = search_utterances(member, project_id, SearchWish(query["text"], query["limit"], query["after"]))
    return {"success": True, "results": page.results, "next": page.next}
