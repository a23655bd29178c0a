"""Patients' passwords on the wire."""

from marshmallow import Schema, fields

from webapp.api.fields import InputSchema, SixDigits
from webapp.api.patients.schemas.person import PersonInput


class PasswordInput(InputSchema):
    password = SixDigits()


class ChangeInput(InputSchema):
    current_password = SixDigits()
    new_password = SixDigits()


class SignInInput(PersonInput):
    password = SixDigits()


class SignedInOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)
    patient_uuid = fields.UUID(required=True)
    hospital_id = fields.String(required=True)
    access_token = fields.String(required=True, metadata={"description": "Bearer token; also set as a cookie."})
    expires_in_seconds = fields.Integer(required=True)


class PasswordOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)


class VerifiedOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)
    access_token = fields.String(required=True, metadata={"description": "Bearer token; also set as a cookie."})
    expires_in_seconds = fields.Integer(required=True)
