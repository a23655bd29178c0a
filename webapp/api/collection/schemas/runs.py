"""Runs on the wire, for operators: how far each is, and its tries. Nothing tells who a run is about."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.names import Status, Step
from models.collection import RunState
from webapp.api.fields import WORD_MAX, InputSchema, Moment, Text


class RunsQuery(InputSchema):
    state = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.OneOf([state.value for state in RunState], error="모르는 상태예요."),
    )
    errors = fields.Boolean(load_default=False, error_messages={"invalid": "true나 false로 보내 주세요."})
    before = Moment("앞 쪽 마지막 줄의 updated_at을 보내 주세요.", load_default=None)
    before_id = fields.UUID(
        load_default=None, error_messages={"invalid_uuid": "앞 쪽 마지막 줄의 session_id를 보내 주세요."}
    )
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200, error="1에서 200까지 쓸 수 있어요."),
        error_messages={"invalid": "1에서 200까지의 숫자로 보내 주세요."},
    )

    @validates_schema
    def check_place(self, query: dict[str, Any], **_: Any) -> None:
        if query.get("before_id") is not None and query.get("before") is None:
            raise ValidationError("before와 함께 보내 주세요.", "before_id")


class RunItem(Schema):
    session_id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf([status.value for status in Status]))
    step = fields.String(required=True, validate=validate.OneOf([step.value for step in Step]))
    run_state = fields.String(required=True, validate=validate.OneOf([state.value for state in RunState]))
    attempts = fields.Integer(required=True)
    takeovers = fields.Integer(required=True)
    error_code = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class StepItem(Schema):
    step = fields.String(required=True)
    attempt = fields.Integer(required=True)
    outcome = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    started_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True)


class RunHistoryItem(Schema):
    summary = fields.Nested(RunItem, required=True)
    detail = fields.Dict(required=True, allow_none=True)
    health_count = fields.Integer(required=True, allow_none=True)
    prescription_count = fields.Integer(required=True, allow_none=True)
    owner_id = fields.Integer(required=True, allow_none=True)
    fence = fields.Integer(required=True)
    expires_at = fields.AwareDateTime(required=True)
    steps = fields.List(fields.Nested(StepItem), required=True)


class RunsOutput(Schema):
    success = fields.Boolean(required=True)
    runs = fields.List(fields.Nested(RunItem), required=True)


class RunHistoryOutput(Schema):
    success = fields.Boolean(required=True)
    run = fields.Nested(RunHistoryItem, required=True)
