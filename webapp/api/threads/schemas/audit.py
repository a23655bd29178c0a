"""The audit of a thread, as auditors read it."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import InputSchema, say

_NUMBER = "0 이상의 정수를 보내 주세요."
_MOST_ENTRIES = 500


class EntriesQuery(InputSchema):
    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 2**53 - 1, error=_NUMBER),
        error_messages=say(_NUMBER, _NUMBER),
    )
    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, _MOST_ENTRIES, error=f"1부터 {_MOST_ENTRIES}까지의 정수를 보내 주세요."),
        error_messages=say(_NUMBER, _NUMBER),
    )


class EntryOutput(Schema):
    """People stand there by their member ids, addresses by their networks."""

    n = fields.Integer(required=True, attribute="act.n")
    at = fields.String(required=True, attribute="act.at")
    actor = fields.String(required=True, attribute="act.actor")
    action = fields.String(required=True, attribute="act.action")
    count = fields.Integer(required=True, allow_none=True, attribute="act.count")
    seqFrom = fields.Integer(required=True, allow_none=True, attribute="act.seq_from")
    seqTo = fields.Integer(required=True, allow_none=True, attribute="act.seq_to")
    result = fields.String(required=True, attribute="act.result")
    ip = fields.String(required=True, allow_none=True, attribute="act.ip")
    requestId = fields.String(required=True, attribute="act.request_id")
    hash = fields.String(required=True)


class EntriesOutput(Schema):
    success = fields.Boolean(required=True)
    entries = fields.List(fields.Nested(EntryOutput), required=True)


class VerifiedAuditOutput(Schema):
    success = fields.Boolean(required=True)
    ok = fields.Boolean(required=True)
    count = fields.Integer(required=True)
    head = fields.String(required=True)
    brokenAt = fields.Integer()
