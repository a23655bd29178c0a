"""A journey's login, and the exchange of its refresh token."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from webapp.api.fields import WORD_MAX, Birthdate, ComposedText, InputSchema, Text, say
from webapp.api.journey.schemas.keys import KeyField
from webapp.api.journey.schemas.snapshot import SnapshotOutput
from webapp.api.journey.schemas.words import NAME_MAX, DeviceField

_TOKEN_MAX = 1024
_FOUR = say("휴대폰 번호 끝 4자리를 입력해 주세요.", "숫자 4자리를 입력해 주세요.")
_FOUR_DIGITS = validate.Regexp(r"\A[0-9]{4}\Z", error="숫자 4자리를 입력해 주세요.")
_WHOLE_FAULT = "휴대폰 번호를 확인해 주세요. 예: 01012345678"
_WHOLE = say("휴대폰 번호를 입력해 주세요.", _WHOLE_FAULT)
_PHONE = validate.Regexp(r"\A01[0-9]-?[0-9]{3,4}-?[0-9]{4}\Z", error=_WHOLE_FAULT)
_NAMED = say("이름을 입력해 주세요.", "이름을 확인해 주세요.")
_NOT_EMPTY = validate.Length(1, error="비어 있어요. 다시 확인해 주세요.")


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


class SimpleLoginInput(InputSchema):
    phone_last4 = Text(4, load_default=None, validate=_FOUR_DIGITS, error_messages=_FOUR, metadata={"example": "0001"})
    phone = Text(20, load_default=None, validate=_PHONE, error_messages=_WHOLE, metadata={"example": "01070000001"})
    birth_date = Birthdate(
        required=True, error_messages=say("생년월일을 입력해 주세요.", "생년월일 8자리를 확인해 주세요.")
    )
    name = ComposedText(NAME_MAX, load_default=None, validate=_NOT_EMPTY, error_messages=_NAMED)
    device_id = DeviceField()
    scan_token = Text(_TOKEN_MAX, load_default=None, validate=_NOT_EMPTY)
    refresh_in = Text(
        WORD_MAX,
        load_default="cookie",
        validate=validate.OneOf(["cookie", "body"], error="cookie 또는 body를 보내 주세요."),
    )

    @validates_schema
    def need_digits(self, data: dict[str, Any], **_: Any) -> None:
        last4, phone = data.get("phone_last4"), data.get("phone")
        if last4 is None and phone is None:
            raise ValidationError("휴대폰 번호 끝 4자리를 입력해 주세요.", "phone_last4")
        if last4 is not None and phone is not None and not phone.endswith(last4):
            raise ValidationError("휴대폰 번호와 끝 4자리가 달라요. 다시 확인해 주세요.", "phone_last4")


class JourneyUserOutput(Schema):
    user_id = fields.UUID(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)


class SimpleLoginOutput(Schema):
    success = fields.Boolean(required=True)
    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})
    refresh_token = fields.String(metadata={"description": "With `refresh_in` = `body`; else in a cookie."})
    user = fields.Nested(JourneyUserOutput, required=True)
    journey = fields.Nested(SnapshotOutput, required=True)
