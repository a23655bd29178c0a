"""Themes and personas."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import InputSchema, say

_MOST_CHOSEN = 32
_CHOSEN = "분석이 끝난 인터뷰를 골라 주세요."


class PersonaInput(InputSchema):
    interview_ids = fields.List(
        fields.UUID(error_messages={"invalid_uuid": _CHOSEN}),
        data_key="interviewIds",
        required=True,
        validate=validate.Length(1, error=_CHOSEN),
        error_messages=say(_CHOSEN, _CHOSEN),
        metadata={"minItems": 1, "maxItems": _MOST_CHOSEN},
    )


class OneInsightOutput(Schema):
    id = fields.UUID(required=True)
    project_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    status = fields.String(required=True)
    attempt = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    created_by = fields.UUID(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    interview_ids = fields.List(fields.UUID(), required=True)
    persona_combination_id = fields.UUID(required=True, allow_none=True)
    error = fields.Dict(required=True, allow_none=True)
    result = fields.Dict(
        required=True,
        allow_none=True,
        metadata={
            "description": "Of themes: `summary` and `themes`, each with `title`, `description`, `interviews`, `quotes`"
            " (how many bear it out) and `evidence` (`interview_id`, `quote`, `utterance_ids`, `verified`). Of a"
            " persona: `title`, `description`, and `needs` and `pain_points`, each with `text` and `evidence`. Of both:"
            " `placeholders`, whom those in its texts mean (`placeholder` as there: `[인터뷰2 이름1]`; `interview_id`;"
            " `in_interview`, as that interview has it). A quote that is `verified` has those of its own interview; any"
            " other is the model's words, found in no interview (`interview_id` null), and has them as the texts do."
        },
    )


class InsightOutput(Schema):
    success = fields.Boolean(required=True)
    insight = fields.Nested(OneInsightOutput, required=True)


class InsightsOutput(Schema):
    success = fields.Boolean(required=True)
    insights = fields.List(fields.Nested(OneInsightOutput), required=True)
