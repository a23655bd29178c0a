"""What became of a request whose id somebody read out: for operators, and without its person."""

from datetime import datetime
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from services.collection.operators import find_runs_of_request
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.auth import for_operator
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.failed_requests import failed_requests

blueprint = Blueprint("failed_requests", __name__, url_prefix="/api/v1/admin/requests", description="For operators")


class FailedRequestItem(Schema):
    at = fields.AwareDateTime(required=True)
    method = fields.String(required=True)
    route = fields.String(required=True, metadata={"description": "The route's pattern, never the address."})
    status = fields.Integer(required=True)
    error_code = fields.String(required=True)
    session_id = fields.String(required=True, allow_none=True)


class FoundRequest(Schema):
    request_id = fields.String(required=True)
    failures = fields.List(fields.Nested(FailedRequestItem), required=True)
    runs = fields.List(fields.String(), required=True, metadata={"description": "Sessions whose run it moved last."})


class FoundRequestOutput(Schema):
    success = fields.Boolean(required=True)
    request = fields.Nested(FoundRequest, required=True)


@blueprint.get("/<request_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator
@blueprint.response(200, FoundRequestOutput)
@fails(blueprint, 401, 403, 404)
def find_request(_staff: str, request_id: str) -> dict[str, Any]:
    """Each error that was answered under this id (the last 10,000 faults and refusals are kept), and the runs of the
    last week that it moved last. The log has the same id in `request_id`."""
    failures = [
        {
            "at": datetime.fromisoformat(failed.at),
            "method": failed.method,
            "route": failed.route,
            "status": failed.status,
            "error_code": failed.error_code,
            "session_id": failed.session_id or None,
        }
        for failed in failed_requests().find(request_id)
    ]
    with stores().sessions() as session:
        runs = find_runs_of_request(session, request_id, now=stores().clock.now())
    if not failures and not runs:
        raise ApiError(Code.REQUEST_NOT_FOUND)
    return {"success": True, "request": {"request_id": request_id, "failures": failures, "runs": runs}}
