"""What a push is answered."""

from marshmallow import Schema, fields

from webapp.api.threads.schemas.threads import GapRangeOutput


class ResultOutput(Schema):
    dedupeId = fields.String()
    threadId = fields.String()
    status = fields.String(required=True)
    seq = fields.Integer()
    code = fields.String()
    message = fields.String()
    gap = fields.Nested(GapRangeOutput)


class BackpressureOutput(Schema):
    level = fields.String(required=True)
    retryAfterMs = fields.Integer(required=True)
    maxBatch = fields.Integer(required=True)


class PushOutput(Schema):
    success = fields.Boolean(required=True)
    results = fields.List(fields.Nested(ResultOutput), required=True)
    backpressure = fields.Nested(BackpressureOutput, required=True)
