"""Entries in lines, and what is done with them."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from models.journey import QueueState
from models.journey.queues import PRIORITY_REASONS
from webapp.api.fields import WORD_MAX, InputSchema, StrictBoolean, Text, say
from webapp.api.journey.schemas.keys import KeyField
from webapp.api.journey.schemas.snapshot import QueueDetailItem, SnapshotOutput
from webapp.api.journey.schemas.words import NameOfThing

_UUID = {**say("번호를 보내 주세요.", "번호를 확인해 주세요."), "invalid_uuid": "번호를 확인해 주세요."}
_EXAM = say("검사를 골라 주세요.", "검사를 골라 주세요.")
_REASON_NEEDED = "이유를 적어 주세요."
_REASON = say(_REASON_NEEDED, "이유를 글자로 적어 주세요.")
_REASON_MAX, _PAGE_MAX, _CURSOR_MAX = 200, 200, 200
_TIME = {"format": "date-time"}


def _reason(**more: Any) -> Text:
    return Text(_REASON_MAX, validate=validate.Length(1, error=_REASON_NEEDED), error_messages=_REASON, **more)


class JoinInput(InputSchema):
    exam_id = NameOfThing(required=True, error_messages=_EXAM)
    appointment_id = fields.UUID(load_default=None, error_messages=_UUID)
    patient_id = Text(WORD_MAX, load_default=None, metadata={"description": "Of staff: whose journey."})
    idempotency_key = KeyField()


class QueuesQuery(InputSchema):
    exam_id = NameOfThing(load_default=None)
    state = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.OneOf([str(state) for state in QueueState], error="알 수 없는 상태예요."),
    )
    cursor = Text(_CURSOR_MAX, load_default=None, metadata={"description": "`next_cursor` of the page before."})
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, _PAGE_MAX, error="1에서 200까지 쓸 수 있어요."),
        error_messages={"invalid": "1에서 200까지의 숫자로 보내 주세요."},
    )


class CallInput(InputSchema):
    queue_id = fields.UUID(load_default=None, error_messages=_UUID)
    exam_id = NameOfThing(load_default=None)
    room_id = NameOfThing(load_default=None)
    idempotency_key = KeyField()

    @validates_schema
    def need_one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("queue_id") is None) == (data.get("exam_id") is None):
            raise ValidationError("queue_id와 exam_id 가운데 하나만 보내 주세요.", "queue_id")


class RecallInput(InputSchema):
    idempotency_key = KeyField()


class DelayInput(InputSchema):
    delayed = StrictBoolean(required=True)
    reason = _reason(load_default=None)


class PriorityInput(InputSchema):
    priority = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(0, 3, error="0에서 3까지 쓸 수 있어요."),
        error_messages=say("0에서 3까지의 숫자로 보내 주세요.", "0에서 3까지의 숫자로 보내 주세요."),
    )
    reason = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(PRIORITY_REASONS, error="정해진 이유 가운데 하나를 골라 주세요."),
        error_messages=_REASON,
    )
    note = _reason(load_default=None)


class TransferInput(InputSchema):
    exam_id = NameOfThing(required=True, error_messages=_EXAM)
    reason = _reason(required=True)
    idempotency_key = KeyField()


class QueueItem(QueueDetailItem):
    user_id = fields.String(required=True)
    position = fields.Integer(required=True, allow_none=True)
    ahead = fields.Integer(required=True, allow_none=True)
    service_date = fields.String(required=True, metadata={"format": "date"})
    priority = fields.Integer(required=True)
    priority_reason = fields.String(required=True, allow_none=True)
    no_show_count = fields.Integer(required=True)
    joined_at = fields.String(required=True, metadata=_TIME)
    call_seen_at = fields.String(required=True, allow_none=True, metadata=_TIME)
    started_at = fields.String(required=True, allow_none=True, metadata=_TIME)
    completed_at = fields.String(required=True, allow_none=True, metadata=_TIME)


class QueueOutput(Schema):
    success = fields.Boolean(required=True)
    queue = fields.Nested(QueueItem, required=True)


class QueuesOutput(Schema):
    success = fields.Boolean(required=True)
    queues = fields.List(fields.Nested(QueueItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class QueueChangeOutput(QueueOutput):
    journey = fields.Nested(SnapshotOutput, required=True)


class CalledPatientItem(Schema):
    user_id = fields.String(required=True)
    name = fields.String(required=True)


class CallOutput(QueueOutput):
    patient = fields.Nested(CalledPatientItem, required=True)
