"""Exports of one interview, and of a project's completed ones."""

from collections.abc import Iterable
from itertools import chain
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from services.interviews.bodies import Body
from services.interviews.exporting.contents import read_export, read_exports
from services.interviews.exporting.files import WRITERS, ExportFormat
from services.interviews.membership import require_project
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.attachments import attachment
from webapp.api.interviews.schemas.exports import ExportQuery
from webapp.auth.members import MemberCaller, for_member
from webapp.current import stores

blueprint = Blueprint("interviews_exports", __name__, url_prefix="/api", description="Analyses as files")
_FILES = {200: {"description": "The file.", "content": {writer.content_type: {} for writer in WRITERS.values()}}}


@blueprint.get("/interviews/<uuid:interview_id>/export")
@blueprint.doc(security=SECURITY_MEMBER, responses=_FILES)
@for_member
@blueprint.arguments(ExportQuery, location="query", error_status_code=400)
@fails(blueprint, 400, 401, 404)
def export_interview(caller: MemberCaller, query: dict[str, Any], interview_id: UUID) -> Response:
    """The analysis with its quotes and their utterances' numbers; what was masked stays masked."""
    with stores().member_work.reading(caller.account_id) as member:
        body = read_export(member, interview_id)
    return _file([body], body["title"], ExportFormat(query["format"]))


@blueprint.get("/projects/<uuid:project_id>/export")
@blueprint.doc(security=SECURITY_MEMBER, responses=_FILES)
@for_member
@blueprint.arguments(ExportQuery, location="query", error_status_code=400)
@fails(blueprint, 400, 401, 404)
def export_project(caller: MemberCaller, query: dict[str, Any], project_id: UUID) -> Response:
    """The same of all completed interviews of a project."""
    here = stores()
    with here.member_work(caller.account_id) as member:
        name = require_project(member, project_id).project.name
    # The first is read before the answer begins: until then an error is an answer.
    bodies = read_exports(lambda: here.member_work(caller.account_id), project_id)
    first = next(bodies, None)
    return _file(chain([] if first is None else [first], bodies), name, ExportFormat(query["format"]))


def _file(bodies: Iterable[Body], name: str, format_: ExportFormat) -> Response:
    writer = WRITERS[format_]
    return attachment(writer.write(bodies), f"{name}.{format_}", writer.content_type)
