"""SMART Health Links as whoever opens them asks, and is answered: as the specification writes it.

Parameters that it may get later are ignored, as it demands.
"""

from marshmallow import EXCLUDE, Schema, fields, validate

from webapp.api.error_schema import ErrorBody
from webapp.api.fields import InputSchema, Text, say

_RECIPIENT = "누가 여는지 200자까지 적어 주세요."
_LENGTH = "0 이상의 정수를 보내 주세요."
_MOST = 2**53 - 1


def recipient_field() -> Text:
    return Text(
        200,
        required=True,
        validate=validate.Length(1, 200, error=_RECIPIENT),
        error_messages=say(_RECIPIENT, _RECIPIENT),
        metadata={"description": "Who opens it, for the patient to read."},
    )


class DirectFileQuery(InputSchema):
    class Meta:
        unknown = EXCLUDE

    recipient = recipient_field()


class ManifestInput(DirectFileQuery):
    passcode = Text(100, load_default=None, allow_none=True)
    embeddedLengthMax = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=validate.Range(0, _MOST, error=_LENGTH),
        error_messages=say(_LENGTH, _LENGTH),
    )


class ManifestFile(Schema):
    contentType = fields.String(required=True)
    embedded = fields.String(metadata={"description": "The compact JWE; or there is a `location`."})
    location = fields.String(metadata={"description": "Opens once."})
    lastUpdated = fields.String(required=True)
    status = fields.String(required=True)
    fhirVersion = fields.String()


class ManifestOutput(Schema):
    files = fields.List(fields.Nested(ManifestFile), required=True)


class WrongPasscodeBody(ErrorBody):
    remainingAttempts = fields.Integer(required=True)
