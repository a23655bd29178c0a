"""Consents on the wire."""

from marshmallow import Schema, fields, validate

from models.patients import ConsentEnd, ConsentKind
from webapp.api.fields import InputSchema

_KIND = validate.OneOf([str(kind) for kind in ConsentKind])
_LARGEST_ID = (1 << 63) - 1


class ConsentTextItem(Schema):
    kind = fields.String(required=True, validate=_KIND)
    version = fields.String(required=True)
    sha256 = fields.String(required=True, metadata={"description": "Of `text` in UTF-8."})
    title = fields.String(required=True, metadata={"description": "The first line of `text`."})
    text = fields.String(required=True)
    report_only = fields.Boolean(required=True, metadata={"description": "Needed for a report alone."})


class ConsentTextsOutput(Schema):
    success = fields.Boolean(required=True)
    items = fields.List(fields.Nested(ConsentTextItem), required=True)


class ConsentsQuery(InputSchema):
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200, error="1에서 200까지 쓸 수 있어요."),
        error_messages={"invalid": "1에서 200까지의 숫자로 보내 주세요."},
    )
    after = fields.Integer(
        load_default=None,
        validate=validate.Range(1, _LARGEST_ID, error="앞선 답의 next 값을 그대로 보내 주세요."),
        error_messages={"invalid": "앞선 답의 next 값을 그대로 보내 주세요."},
        metadata={"description": "The `next` of the page before."},
    )


class ConsentOutput(Schema):
    kind = fields.String(required=True, validate=_KIND)
    session_id = fields.UUID(required=True)
    text_version = fields.String(required=True)
    text_sha256 = fields.String(required=True)
    given_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_how = fields.String(
        required=True, allow_none=True, validate=validate.OneOf([*(str(how) for how in ConsentEnd), None])
    )


class ConsentsOutput(Schema):
    success = fields.Boolean(required=True)
    items = fields.List(fields.Nested(ConsentOutput), required=True)
    next = fields.Integer(metadata={"description": "Absent on the last page."})


class WithdrawnOutput(Schema):
    success = fields.Boolean(required=True)
    kind = fields.String(required=True, validate=_KIND)
    message = fields.String(required=True)
    withdrawn = fields.Integer(
        required=True, metadata={"description": "How many consents ended; 0 when none was in force any more."}
    )
