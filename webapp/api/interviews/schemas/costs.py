"""What a month has cost."""

import re
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields

from webapp.api.fields import WORD_MAX, InputSchema, Text
from webapp.api.interviews.schemas.interviews import TITLE_BESIDE_OTHERS

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


class MonthField(Text):
    """`yyyy-MM`, as its first day."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        match = _MONTH.fullmatch(super()._deserialize(value, attr, data, **more))
        if match is None:
            raise ValidationError("달을 2026-11처럼 보내 주세요.")
        return date(int(match[1]), int(match[2]), 1)


class CostsQuery(InputSchema):
    month = MonthField(WORD_MAX, load_default=None, metadata={"example": "2026-11"})


class CostOutput(Schema):
    calls = fields.Integer(required=True)
    tokens = fields.Integer(required=True)
    seconds = fields.Float(required=True)


class InterviewCostOutput(CostOutput):
    interview_id = fields.UUID(required=True)
    title = fields.String(required=True, metadata=TITLE_BESIDE_OTHERS)


class InsightCostOutput(CostOutput):
    insight_id = fields.UUID(required=True)
    kind = fields.String(required=True)


class MonthCostOutput(CostOutput):
    month = fields.String(required=True)


class CostsOutput(Schema):
    success = fields.Boolean(required=True)
    month = fields.String(required=True)
    total = fields.Nested(CostOutput, required=True)
    monthly_token_limit = fields.Integer(required=True, allow_none=True)
    reserved_tokens = fields.Integer(
        required=True, metadata={"description": "Of the present month: what is under way may use, and counts."}
    )
    interviews = fields.List(fields.Nested(InterviewCostOutput), required=True)
    insights = fields.List(fields.Nested(InsightCostOutput), required=True)
    months = fields.List(
        fields.Nested(MonthCostOutput), required=True, metadata={"description": "The latest months, newest first."}
    )
