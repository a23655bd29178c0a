"""The body of every error."""

from marshmallow import Schema, fields


class ErrorFacts(Schema):
    code = fields.String(required=True, metadata={"description": "Stable; see docs/errors.md."})
    message = fields.String(required=True, metadata={"description": "For the person."})
    details = fields.Dict(keys=fields.String(), metadata={"description": "By field, for VALIDATION_FAILED."})


class ErrorBody(Schema):
    success = fields.Boolean(required=True, metadata={"const": False})
    error = fields.Nested(ErrorFacts, required=True)
    request_id = fields.String(required=True)
