"""Uploading an interview, having it analysed once more, and starting what stands still."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask_smorest import Blueprint

from core.logs import get_logger
from services.delivery.idempotency import CallKey, claim_key, fingerprint_of, is_claimed, store_reply
from services.interviews.changing import process_interview, retry_interview
from services.interviews.files import answer_name
from services.interviews.masking.masker import PatternMasker
from services.interviews.membership import require_project
from services.interviews.uploading import UploadedInterview, add_interview, require_upload
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.receiving import BODY_MAX_BYTES, received_upload
from webapp.api.interviews.schemas.uploads import (
    ProcessInput,
    RetryInput,
    RetryOutput,
    StartedOutput,
    UploadInput,
    UploadOutput,
)
from webapp.auth.members import MemberCaller, for_member
from webapp.bodies import takes_stream
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError

log = get_logger(__name__)
blueprint = Blueprint("interviews_workflow", __name__, url_prefix="/api/workflow", description="Uploads and analyses")
_KEY_MAX = 64
_FILE = {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}}
_BODIES = {
    "multipart/form-data": {"schema": {"allOf": [UploadInput, _FILE]}},
    "application/json": {"schema": UploadInput},
}


@blueprint.post("/async")
@blueprint.doc(security=SECURITY_MEMBER, requestBody={"required": True, "content": _BODIES})
@takes_stream(BODY_MAX_BYTES)
@for_member
@blueprint.response(200, UploadOutput)
@fails(blueprint, 400, 401, 403, 404, 408, 409, 413, 415)
def upload(caller: MemberCaller) -> Response:
    """A file with its fields, or a text as JSON; of both the file counts. The project is told before the answer."""
    key = _idempotency_key()
    text_max = stores().settings.interviews.miso_context_max_chars
    with received_upload(parts().spool.interviews, text_max, partial(_admit, caller, key)) as (received, leave):
        answer, is_replayed = _add(caller, received, key, leave)
    if is_replayed:
        parts().spool.interviews.drop_all(received.interview_id)
    else:
        log.info("interview_uploaded", interview_id=str(received.interview_id), bytes=received.size)
    response = jsonify(answer)
    if is_replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


@blueprint.post("/retry")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(RetryInput, error_status_code=400)
@blueprint.response(200, RetryOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def retry(caller: MemberCaller, body: dict[str, Any]) -> dict[str, Any]:
    """A failed analysis once more, as the next attempt."""
    longest = stores().settings.interviews.miso_context_max_chars
    with stores().member_work(caller.account_id, g.request_id) as member:
        attempt = retry_interview(member, body["interview_id"], max_characters=longest, consents=body["consents"])
    return {"success": True, "message": "다시 분석할게요.", "attempt": attempt}


@blueprint.post("/process")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.arguments(ProcessInput, error_status_code=400)
@blueprint.response(202, StartedOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def process(caller: MemberCaller, body: dict[str, Any]) -> dict[str, Any]:
    """Start what stands still, or read a kept answer once more, without a new call."""
    interview_id: UUID = body["interview_id"]
    kept = parts().spool.interviews.names(interview_id)
    with stores().member_work(caller.account_id, g.request_id) as member:
        process_interview(
            member,
            interview_id,
            body["project_id"],
            has_answer=lambda attempt: answer_name(attempt) in kept,
        )
    return {"success": True, "message": "분석을 시작할게요."}


def _admit(caller: MemberCaller, key: str | None, project_id: UUID) -> None:
    """Before the file has come. A call that comes again is answered as it was, to who is still a member."""
    here = stores()
    with here.unit_of_work() as work:
        is_again = key and is_claimed(work.session, CallKey(_actor(caller), key, fingerprint=""), here.clock.now())
        with here.member_work.enter(work, caller.account_id, g.request_id) as member:
            if is_again:
                require_project(member, project_id)
            else:
                require_upload(member, project_id)


def _actor(caller: MemberCaller) -> str:
    return f"account:{caller.account_id}"


def _add(
    caller: MemberCaller, received: UploadedInterview, key: str | None, leave: Callable[[], None]
) -> tuple[dict[str, Any], bool]:
    """The answer, and whether it was given before. `leave` is called right before the commit."""
    here = stores()
    with here.unit_of_work() as work:
        call = key and CallKey(_actor(caller), key, fingerprint_of(*received.fingerprint))
        stored = claim_key(work.session, call, here.clock.now()) if call else None
        with here.member_work.enter(work, caller.account_id, g.request_id) as member:
            if stored is not None:
                require_project(member, received.project_id)
                return stored.body, True
            answer = {"success": True, **add_interview(member, received, PatternMasker())}
        if call:
            store_reply(work.session, call, 200, answer)
        leave()
    return answer, False


def _idempotency_key() -> str | None:
    """Raises ApiError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _KEY_MAX:
        raise ApiError(Code.VALIDATION_FAILED, details={"Idempotency-Key": [f"{_KEY_MAX}자까지 쓸 수 있어요."]})
    return key
