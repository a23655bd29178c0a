"""Who read which original."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import InputSchema
from webapp.api.interviews.schemas.interviews import PAGE_FAULT, PAGE_MAX, TITLE_BESIDE_OTHERS

_BEFORE = "앞 쪽의 next를 보내 주세요."


class OriginalReadsQuery(InputSchema):
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, PAGE_MAX, error=PAGE_FAULT),
        error_messages={"invalid": PAGE_FAULT},
    )
    before = fields.Integer(
        load_default=None, validate=validate.Range(1, 2**63 - 1, error=_BEFORE), error_messages={"invalid": _BEFORE}
    )


class OriginalReadOutput(Schema):
    interview_id = fields.UUID(required=True)
    title = fields.String(required=True, metadata=TITLE_BESIDE_OTHERS)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    read_at = fields.String(required=True)
    request_id = fields.String(required=True)


class OriginalReadsOutput(Schema):
    success = fields.Boolean(required=True)
    reads = fields.List(fields.Nested(OriginalReadOutput), required=True)
    next = fields.Integer(required=True, allow_none=True)
