"""The idempotency key of a request: from its header, its body, or both when they agree."""

from typing import Any

from flask import Response, jsonify, request
from marshmallow import ValidationError

from services.journey.answers import JourneyAnswer
from webapp.api.journey.schemas.keys import is_key
from webapp.error_codes import Code
from webapp.errors import ApiError

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"


def take_key(body: dict[str, Any]) -> str | None:
    """Taken out of the body, as it is no part of what is compared. Raises ApiError."""
    in_body: str | None = body.pop("idempotency_key", None)
    in_header = request.headers.get(KEY_HEADER)
    if in_header is None:
        return in_body
    try:
        is_key(in_header)
    except ValidationError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={"idempotency_key": exc.messages}) from exc
    if in_body is not None and in_body != in_header:
        raise ApiError(Code.VALIDATION_FAILED, details={"idempotency_key": ["머리말과 본문의 값이 달라요."]})
    return in_header


def answer_of(answer: JourneyAnswer, status: int = 200) -> Response:
    """As JSON, which says in a header that it was given before."""
    response = jsonify({"success": True, **answer.body})
    response.status_code = status
    if answer.is_replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response
