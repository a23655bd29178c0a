"""What staff do at their desks, and what people are told."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import Birthdate, InputSchema, StrictBoolean, Text, say
from webapp.api.journey.schemas.actions import ActionInput
from webapp.api.journey.schemas.words import NAME_MAX, NameOfThing, staff_reason

_FOUR_DIGITS = "숫자 4자리를 입력해 주세요."
_FOUR = say("휴대폰 번호 끝 4자리를 입력해 주세요.", _FOUR_DIGITS)
_CHOICE = say("골라 주세요.", "골라 주세요.")
_LOGIN_MAX, _PASSWORD_MAX = 100, 256


class AssistInput(ActionInput):
    """A patient's action, done for who has no phone."""


class FindInput(InputSchema):
    phone_last4 = Text(
        4, required=True, validate=validate.Regexp(r"\A[0-9]{4}\Z", error=_FOUR_DIGITS), error_messages=_FOUR
    )
    birth_date = Birthdate(
        required=True, error_messages=say("생년월일을 입력해 주세요.", "생년월일 8자리를 확인해 주세요.")
    )
    reason = staff_reason()


class FoundItem(Schema):
    user_id = fields.UUID(required=True)
    name = fields.String(required=True)
    journey_state = fields.String(required=True)


class FoundOutput(Schema):
    success = fields.Boolean(required=True)
    patients = fields.List(fields.Nested(FoundItem), required=True)


class ShiftInput(InputSchema):
    exam_id = NameOfThing(required=True, error_messages=_CHOICE)
    room_id = NameOfThing(required=True, error_messages=_CHOICE)


class ShiftItem(Schema):
    shift_id = fields.Integer(required=True)
    exam_id = fields.String(required=True)
    room_id = fields.String(required=True)
    started_at = fields.DateTime(required=True)


class ShiftOutput(Schema):
    success = fields.Boolean(required=True)
    shift = fields.Nested(ShiftItem, required=True)


class NotificationItem(Schema):
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    body = fields.String(required=True)
    queue_id = fields.UUID(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    read_at = fields.DateTime(required=True, allow_none=True)


class NotificationsOutput(Schema):
    success = fields.Boolean(required=True)
    notifications = fields.List(fields.Nested(NotificationItem), required=True)


class NotificationOutput(Schema):
    success = fields.Boolean(required=True)
    notification = fields.Nested(NotificationItem, required=True)


class StaffChangeInput(InputSchema):
    name = Text(
        NAME_MAX,
        validate=validate.Length(1, error="이름을 입력해 주세요."),
        error_messages=say("이름을 입력해 주세요.", "이름을 확인해 주세요."),
    )
    password = Text(
        _PASSWORD_MAX,
        validate=validate.Length(12, error="12자 이상으로 정해 주세요."),
        error_messages=say("비밀번호를 입력해 주세요.", "비밀번호를 입력해 주세요."),
    )
    is_active = StrictBoolean()
    role = Text(
        16, validate=validate.OneOf(["staff", "admin"], error="staff 또는 admin을 보내 주세요."), error_messages=_CHOICE
    )


class StaffInput(InputSchema):
    login = Text(
        _LOGIN_MAX,
        required=True,
        validate=validate.Regexp(r"\A[A-Za-z0-9._@-]{1,100}\Z", error="영문, 숫자, 점, 밑줄, 붙임표를 쓸 수 있어요."),
        error_messages=say("로그인 이름을 입력해 주세요.", "로그인 이름을 입력해 주세요."),
    )
    name = Text(
        NAME_MAX,
        required=True,
        validate=validate.Length(1, error="이름을 입력해 주세요."),
        error_messages=say("이름을 입력해 주세요.", "이름을 확인해 주세요."),
    )
    password = Text(
        _PASSWORD_MAX,
        required=True,
        validate=validate.Length(12, error="12자 이상으로 정해 주세요."),
        error_messages=say("비밀번호를 입력해 주세요.", "비밀번호를 입력해 주세요."),
    )
    role = Text(
        16,
        load_default="staff",
        validate=validate.OneOf(["staff", "admin"], error="staff 또는 admin을 보내 주세요."),
        error_messages=_CHOICE,
    )


class StaffItem(Schema):
    staff_id = fields.UUID(required=True, attribute="account_id")
    login = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    is_active = fields.Boolean(required=True)


class StaffMemberOutput(Schema):
    success = fields.Boolean(required=True)
    staff = fields.Nested(StaffItem, required=True)


class StaffMembersOutput(Schema):
    success = fields.Boolean(required=True)
    staff = fields.List(fields.Nested(StaffItem), required=True)
