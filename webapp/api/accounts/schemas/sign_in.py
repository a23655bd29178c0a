"""Signing in to an account, and the second factor."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import WORD_MAX, InputSchema, Text, say

_LOGIN_MAX = 100
_PASSWORD_MAX = 256
_CODE = validate.Regexp(r"\A[0-9]{6}\Z", error="인증 앱에 보이는 숫자 6자리를 입력해 주세요.")
_CODE_DOC = {"example": "123456", "pattern": "^[0-9]{6}$"}


class StaffLoginInput(InputSchema):
    login = Text(
        _LOGIN_MAX,
        required=True,
        validate=validate.Length(1, error="로그인 이름을 입력해 주세요."),
        error_messages=say("로그인 이름을 입력해 주세요.", "로그인 이름을 입력해 주세요."),
    )
    password = Text(
        _PASSWORD_MAX,
        required=True,
        validate=validate.Length(1, error="비밀번호를 입력해 주세요."),
        error_messages=say("비밀번호를 입력해 주세요.", "비밀번호를 입력해 주세요."),
    )
    totp = Text(WORD_MAX, load_default=None, validate=_CODE, metadata=_CODE_DOC)


class StaffOutput(Schema):
    staff_id = fields.UUID(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)


class StaffLoginOutput(Schema):
    success = fields.Boolean(required=True)
    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})
    staff = fields.Nested(StaffOutput, required=True)


class FlowerOutput(Schema):
    success = fields.Boolean(required=True)
    url = fields.String(required=True, metadata={"description": "Where the cookie of this answer opens Flower."})


class SecondFactorInput(InputSchema):
    totp = Text(WORD_MAX, load_default=None, validate=_CODE, metadata=_CODE_DOC)
    present_totp = Text(WORD_MAX, load_default=None, validate=_CODE, metadata=_CODE_DOC)


class SecondFactorOutput(Schema):
    success = fields.Boolean(required=True)
    confirmed = fields.Boolean(required=True)
    uri = fields.String(metadata={"description": "`otpauth://...`, for the authenticator's QR code; shown once."})
