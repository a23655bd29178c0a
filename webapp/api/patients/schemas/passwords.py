"""Patients' passwords on the wire."""

from marshmallow import Schema, fields

from webapp.api.fields import InputSchema, SixDigits


class PasswordInput(InputSchema):
    password = SixDigits()


class ChangeInput(InputSchema):
    current_password = SixDigits()
    new_password = SixDigits()


class PasswordOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)


class VerifiedOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)
    access_token = fields.String(required=True, metadata={"description": "Bearer token; also set as a cookie."})
    expires_in_seconds = fields.Integer(required=True)
