"""A journey's login, and the exchange of its refresh token."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import InputSchema, Text
from webapp.api.journey.schemas.keys import KeyField

_TOKEN_MAX = 1024


class RefreshInput(InputSchema):
    refresh_token = Text(
        _TOKEN_MAX,
        load_default=None,
        validate=validate.Length(1, error="토큰을 보내 주세요."),
        metadata={"description": "Of apps; browsers send the cookie `welno_refresh`."},
    )
    idempotency_key = KeyField()


class RefreshOutput(Schema):
    success = fields.Boolean(required=True)
    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})
    refresh_token = fields.String(metadata={"description": "Where the one before came in the body."})
