"""A member's login."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import WORD_MAX, InputSchema, Text, say

_EMAIL_MAX, _PASSWORD_MAX = 162, 256
_KEY = validate.Regexp(r"\A[A-Za-z0-9_-]{1,64}\Z", error="영문, 숫자, 밑줄, 붙임표로 64자까지 쓸 수 있어요.")


class MemberLoginInput(InputSchema):
    email = Text(
        _EMAIL_MAX,
        required=True,
        validate=validate.Length(1, error="이메일을 입력해 주세요."),
        error_messages=say("이메일을 입력해 주세요.", "이메일을 입력해 주세요."),
        metadata={"example": "mina@demo.test"},
    )
    password = Text(
        _PASSWORD_MAX,
        required=True,
        validate=validate.Length(1, error="비밀번호를 입력해 주세요."),
        error_messages=say("비밀번호를 입력해 주세요.", "비밀번호를 입력해 주세요."),
    )


class MemberRefreshInput(InputSchema):
    idempotency_key = Text(WORD_MAX, load_default=None, validate=_KEY)


class CompanyOutput(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)


class MemberAccountOutput(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    company = fields.Nested(CompanyOutput, required=True)


class MemberOutput(Schema):
    success = fields.Boolean(required=True)
    account = fields.Nested(MemberAccountOutput, required=True)


class MemberTokensOutput(MemberOutput):
    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})
