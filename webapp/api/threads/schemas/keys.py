"""Devices, keysets and wraps. What their texts must look like is judged where they are read."""

from marshmallow import Schema, ValidationError, fields, validate

from core.moments import is_moment
from models.threads import DeviceType
from services.threads.encoding import MEMBER_MAX, is_member, is_uuid
from webapp.api.fields import WORD_MAX, InputSchema, StrictBoolean, Text, json_bytes_max, say

# Base64url of 32, 64 and 80 bytes, and what stands around them.
_KEY_MAX, _SIG_MAX, _WRAPPED_MAX, _HASH_MAX = 43, 86, 107, 71
# All devices of all members, with the largest settings.
MOST_WRAPS = 5000


def check_uuid(value: str) -> None:
    if not is_uuid(value):
        raise ValidationError("소문자 UUID를 보내 주세요.")


def check_moment(value: str) -> None:
    if not is_moment(value):
        raise ValidationError("2026-11-25T08:00:00.000Z처럼 보내 주세요.")


def check_member(value: str) -> None:
    if not is_member(value):
        raise ValidationError("patient:{id}나 staff:{id}처럼 보내 주세요.")


def id_field() -> Text:
    return Text(
        WORD_MAX,
        required=True,
        validate=check_uuid,
        error_messages=say("소문자 UUID를 보내 주세요.", "소문자 UUID를 보내 주세요."),
    )


def moment_field() -> Text:
    return Text(WORD_MAX, required=True, validate=check_moment)


class DeviceInput(InputSchema):
    deviceId = id_field()
    kemKey = Text(_KEY_MAX, required=True)
    signKey = Text(_KEY_MAX, required=True)
    createdAt = moment_field()
    sig = Text(_SIG_MAX, required=True)
    type = Text(
        WORD_MAX,
        load_default=DeviceType.BROWSER.value,
        validate=validate.OneOf(list(DeviceType), error="browser나 recovery를 보내 주세요."),
        metadata={"description": "`recovery`: of a printed code; it gets no push pass."},
    )
    reset = StrictBoolean(load_default=False)
    pushPass = StrictBoolean(
        load_default=True,
        metadata={"description": "False: no pass and no cookie."},
    )


class ApproveInput(InputSchema):
    approvedBy = id_field()
    createdAt = moment_field()
    sig = Text(_SIG_MAX, required=True)


class SealedWrapInput(InputSchema):
    deviceId = id_field()
    kemKey = Text(_KEY_MAX, required=True)
    wrapped = Text(_WRAPPED_MAX, required=True)


class KeysetInput(InputSchema):
    kid = Text(WORD_MAX, required=True)
    createdAt = moment_field()
    createdBy = id_field()
    check = Text(WORD_MAX, required=True)
    prev = Text(_HASH_MAX, required=True)
    wraps = fields.List(fields.Nested(SealedWrapInput), required=True, metadata={"maxItems": MOST_WRAPS})
    sig = Text(_SIG_MAX, required=True)


class WrapInput(InputSchema):
    deviceId = id_field()
    wrapped = Text(_WRAPPED_MAX, required=True)


class WrapsInput(InputSchema):
    wraps = fields.List(fields.Nested(WrapInput), required=True, metadata={"maxItems": MOST_WRAPS})


KEYSET_BODY_MAX_BYTES = json_bytes_max(KeysetInput())
WRAPS_BODY_MAX_BYTES = json_bytes_max(WrapsInput())


class MemberWrapInput(WrapInput):
    kid = Text(WORD_MAX, required=True)


class KeysQuery(InputSchema):
    deviceId = id_field()


class DevicesQuery(InputSchema):
    joining = Text(
        MEMBER_MAX,
        load_default=None,
        validate=check_member,
        metadata={"description": "Also the devices of this member, whom an owner is about to add."},
    )


class ApprovalOutput(Schema):
    approvedBy = fields.String(required=True)
    createdAt = fields.String(required=True)
    sig = fields.String(required=True)


class ThreadDeviceOutput(Schema):
    deviceId = fields.String(required=True)
    memberId = fields.String(required=True)
    type = fields.String(required=True)
    kemKey = fields.String(required=True)
    signKey = fields.String(required=True)
    createdAt = fields.String(required=True)
    sig = fields.String(required=True)
    state = fields.String(required=True)
    approval = fields.Nested(ApprovalOutput)


class MeOutput(Schema):
    success = fields.Boolean(required=True)
    memberId = fields.String(required=True)
    devices = fields.List(fields.Nested(ThreadDeviceOutput), required=True)


class DevicesOutput(Schema):
    success = fields.Boolean(required=True)
    devices = fields.List(fields.Nested(ThreadDeviceOutput), required=True)
    formerDevices = fields.List(
        fields.Nested(ThreadDeviceOutput),
        required=True,
        metadata={"description": "Of who was a member: they verify what was written, and get no wrap."},
    )


class DeviceStateOutput(Schema):
    success = fields.Boolean(required=True)
    state = fields.String(required=True)


class RegisteredOutput(DeviceStateOutput):
    pushToken = fields.String(metadata={"description": "Of an active device: pushes its envelopes, reads nothing."})


class RecipientOutput(Schema):
    deviceId = fields.String(required=True)
    kemKey = fields.String(required=True)
    wrapHash = fields.String(required=True)


class KeyOutput(Schema):
    kid = fields.String(required=True)
    state = fields.String(required=True)
    createdAt = fields.String(required=True)
    createdBy = fields.String(required=True)
    check = fields.String(required=True)
    prev = fields.String(required=True)
    sig = fields.String(required=True)
    recipients = fields.List(fields.Nested(RecipientOutput), required=True)
    wrapped = fields.String(required=True, allow_none=True)


class LackingOutput(Schema):
    deviceId = fields.String(required=True)
    memberId = fields.String(required=True)
    kids = fields.List(fields.String(), required=True)


class KeysOutput(Schema):
    success = fields.Boolean(required=True)
    keys = fields.List(fields.Nested(KeyOutput), required=True)
    lacking = fields.List(fields.Nested(LackingOutput), required=True)
