"""Threads, their members, and what is read of them."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from models.threads import MemberRole
from services.threads.encoding import MEMBER_MAX
from services.threads.reading import PAGE_ITEMS
from webapp.api.fields import WORD_MAX, InputSchema, Text, json_bytes_max, say
from webapp.api.threads.schemas.keys import MOST_WRAPS, KeysetInput, MemberWrapInput, check_member, id_field

_MOST_SEQ = 2**53 - 1
_MOST_MEMBERS = 100
_LONGEST_WAIT_SECONDS = 20
_WAIT = f"0부터 {_LONGEST_WAIT_SECONDS}까지의 초를 보내 주세요."
_ROLE = "owner, writer, reader 가운데 하나를 보내 주세요."
_TWO_ROLES = "같은 사람을 두 역할로 넣을 수 없어요."
_NUMBER = "1 이상의 정수를 보내 주세요."


def member_field() -> Text:
    return Text(
        MEMBER_MAX,
        required=True,
        validate=check_member,
        error_messages=say("누구인지 보내 주세요.", "누구인지 보내 주세요."),
        metadata={"example": "patient:94ebd639-9549-427e-82f6-8dfbaf8ed138"},
    )


def role_field() -> Text:
    return Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(list(MemberRole), error=_ROLE),
        error_messages=say(_ROLE, _ROLE),
    )


def seq_field() -> fields.Integer:
    """Of a query."""
    return fields.Integer(
        load_default=None,
        validate=validate.Range(1, _MOST_SEQ, error=_NUMBER),
        error_messages=say(_NUMBER, _NUMBER),
    )


class ThreadMemberInput(InputSchema):
    memberId = member_field()
    role = role_field()


class CreateThreadInput(InputSchema):
    requestId = id_field()
    members = fields.List(fields.Nested(ThreadMemberInput), required=True, metadata={"maxItems": _MOST_MEMBERS})

    @validates_schema(skip_on_field_errors=True)
    def check_roles(self, data: dict[str, Any], **_: Any) -> None:
        """One who is told twice has one role: else the last one would decide, in silence, who may write or remove."""
        members = data["members"]
        roles = {one["memberId"]: one["role"] for one in members}
        if any(roles[one["memberId"]] != one["role"] for one in members):
            raise ValidationError(_TWO_ROLES, "members")


class RecentQuery(InputSchema):
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, PAGE_ITEMS, error=f"1부터 {PAGE_ITEMS}까지의 정수를 보내 주세요."),
        error_messages=say(_NUMBER, _NUMBER),
    )
    beforeSeq = seq_field()


class RangeQuery(InputSchema):
    fromSeq = seq_field()
    toSeq = seq_field()
    after = Text(WORD_MAX, load_default=None, metadata={"example": "9f2c00000000:12"})
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, _LONGEST_WAIT_SECONDS, error=_WAIT),
        error_messages=say(_WAIT, _WAIT),
    )


class AckInput(InputSchema):
    seq = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, _MOST_SEQ, error="0 이상의 정수를 보내 주세요."),
        error_messages=say("번호를 보내 주세요.", "0 이상의 정수를 보내 주세요."),
    )


class AddMemberInput(InputSchema):
    memberId = member_field()
    role = role_field()
    history = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(["all", "from_now"], error="all이나 from_now를 보내 주세요."),
        error_messages=say("all이나 from_now를 보내 주세요.", "all이나 from_now를 보내 주세요."),
    )
    wraps = fields.List(fields.Nested(MemberWrapInput), load_default=list, metadata={"maxItems": MOST_WRAPS})
    keyset = fields.Nested(KeysetInput, load_default=None, allow_none=True)


# With the one or the other.
ADD_MEMBER_BODY_MAX_BYTES = max(json_bytes_max(AddMemberInput(exclude=[one])) for one in ("wraps", "keyset"))


class ChangeRoleInput(InputSchema):
    memberId = member_field()
    role = role_field()


class RemoveMemberInput(InputSchema):
    memberId = member_field()
    keyset = fields.Nested(KeysetInput, load_default=None, allow_none=True)


REMOVE_MEMBER_BODY_MAX_BYTES = json_bytes_max(RemoveMemberInput())


class ThreadMemberOutput(Schema):
    memberId = fields.String(required=True)
    role = fields.String(required=True)
    visibleFrom = fields.Integer(required=True)


class CreatedThreadOutput(Schema):
    success = fields.Boolean(required=True)
    threadId = fields.String(required=True)
    epoch = fields.String(required=True)
    lastSeq = fields.Integer(required=True)
    keyState = fields.String(required=True)
    members = fields.List(fields.Nested(ThreadMemberOutput), required=True)


class OwnThreadOutput(Schema):
    threadId = fields.String(required=True)
    epoch = fields.String(required=True)
    lastSeq = fields.Integer(required=True)
    ackedSeq = fields.Integer(required=True)
    role = fields.String(required=True)
    keyState = fields.String(required=True)


class OwnThreadsOutput(Schema):
    success = fields.Boolean(required=True)
    threads = fields.List(fields.Nested(OwnThreadOutput), required=True)


class ItemOutput(Schema):
    """A message with its envelope, or what the server tells; the same by every way."""

    seq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    type = fields.String(required=True)
    threadId = fields.String(required=True)
    receivedAt = fields.String(required=True)
    from_ = fields.String(data_key="from", attribute="from", metadata={"description": "The member who sent a message."})
    envelope = fields.Dict(keys=fields.String(), values=fields.Raw())
    by = fields.String(metadata={"description": "The member whose act the server tells."})
    event = fields.String()
    data = fields.Dict(keys=fields.String(), values=fields.String())


class TrimmedOutput(Schema):
    fromSeq = fields.Integer(required=True)
    toSeq = fields.Integer(required=True)
    reason = fields.String(required=True)


class RecentOutput(Schema):
    success = fields.Boolean(required=True)
    items = fields.List(fields.Nested(ItemOutput), required=True)
    firstSeq = fields.Integer(required=True, allow_none=True)
    lastSeq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    hasMore = fields.Boolean(required=True)


class RangeOutput(Schema):
    success = fields.Boolean(required=True)
    items = fields.List(fields.Nested(ItemOutput), required=True)
    lastSeq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    missing = fields.Nested(TrimmedOutput)


class AckedOutput(Schema):
    success = fields.Boolean(required=True)
    ackedSeq = fields.Integer(required=True)


class AckOutput(Schema):
    memberId = fields.String(required=True)
    ackedSeq = fields.Integer(required=True)


class GapRangeOutput(Schema):
    from_ = fields.Integer(required=True, data_key="from", attribute="from")
    to = fields.Integer(required=True)


class GapOutput(GapRangeOutput):
    clientId = fields.String(required=True)


class ThreadStatusOutput(Schema):
    success = fields.Boolean(required=True)
    lastSeq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    kid = fields.String(required=True, allow_none=True)
    keyState = fields.String(required=True)
    role = fields.String(required=True)
    members = fields.List(fields.Nested(ThreadMemberOutput), required=True)
    acks = fields.List(fields.Nested(AckOutput), required=True)
    gaps = fields.List(fields.Nested(GapOutput), required=True)


class DoneOutput(Schema):
    success = fields.Boolean(required=True)
