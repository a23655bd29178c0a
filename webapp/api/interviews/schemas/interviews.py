"""Interviews as members read them."""

from marshmallow import Schema, fields, validate

from models.interviews import InterviewStatus
from webapp.api.fields import WORD_MAX, InputSchema, Text

PAGE_MAX = 100
_POINTS = {"description": "Each with `description` and `evidence`, a list as in `takeaway_evidence`."}
# Of entries that stand beside those of other interviews.
TITLE_BESIDE_OTHERS = {
    "description": "Of the interview. Placeholders in an entry have the numbers of its own interview: the `[이름1]` of"
    " another interview may be somebody else."
}
PAGE_FAULT = f"1에서 {PAGE_MAX} 사이의 수를 보내 주세요."


class InterviewsQuery(InputSchema):
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, PAGE_MAX, error=PAGE_FAULT),
        error_messages={"invalid": PAGE_FAULT},
    )
    before = fields.UUID(load_default=None, error_messages={"invalid_uuid": "앞 쪽의 next를 보내 주세요."})
    status = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.OneOf(list(InterviewStatus), error="알 수 없는 상태예요."),
    )
    deleted = fields.Boolean(load_default=False, error_messages={"invalid": "true 또는 false를 보내 주세요."})


class EraseQuery(InputSchema):
    erase = fields.Boolean(load_default=False, error_messages={"invalid": "true 또는 false를 보내 주세요."})


class ListedInterviewOutput(Schema):
    id = fields.UUID(required=True)
    title = fields.String(required=True, metadata=TITLE_BESIDE_OTHERS)
    workflow_status = fields.String(required=True)
    attempt = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    created_by = fields.UUID(required=True)
    interview_date = fields.String(required=True)
    project_id = fields.UUID(required=True)
    company_id = fields.UUID(required=True)
    source = fields.String(required=True)
    file_name = fields.String(required=True, allow_none=True)
    file_bytes = fields.Integer(required=True, allow_none=True)
    error = fields.Dict(required=True, allow_none=True)
    persona_combination_id = fields.UUID(required=True, allow_none=True)
    deleted_at = fields.String(required=True, allow_none=True)


class InterviewsOutput(Schema):
    success = fields.Boolean(required=True)
    interviews = fields.List(fields.Nested(ListedInterviewOutput), required=True)
    next = fields.UUID(required=True, allow_none=True)
    last_event_id = fields.String(required=True)


class EvidenceOutput(Schema):
    """`verified`: the quote stands in the script, word for word or nearly so, in the lines with these numbers. Any
    other is the model's words, and has none."""

    quote = fields.String(required=True)
    utterance_ids = fields.List(fields.Integer(), required=True)
    verified = fields.Boolean(required=True)


class WholeInterviewOutput(ListedInterviewOutput):
    masked_text = fields.String(required=True, allow_none=True)
    metadata = fields.Dict(required=True)
    file_sha256 = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of the file or text as it was uploaded, for admins, who may read it; else null."},
    )
    deleted_by = fields.UUID(required=True, allow_none=True)
    consent_at = fields.String(required=True, allow_none=True)
    consent_by = fields.UUID(required=True, allow_none=True)
    cleaned_script = fields.Raw(required=True, allow_none=True)
    speakers = fields.List(fields.Dict(), required=True)
    session_info = fields.Raw(required=True, allow_none=True)
    interviewee_profile = fields.Raw(required=True, allow_none=True)
    interview_quality_assessment = fields.Raw(required=True, allow_none=True)
    key_takeaways = fields.Raw(required=True, allow_none=True)
    takeaway_evidence = fields.List(
        fields.List(fields.Nested(EvidenceOutput)),
        required=True,
        metadata={"description": "Of each of `key_takeaways`, in their order."},
    )
    primary_pain_points = fields.Raw(required=True, allow_none=True, metadata=_POINTS)
    primary_needs = fields.Raw(required=True, allow_none=True, metadata=_POINTS)
    hmw_questions = fields.Raw(required=True, allow_none=True)
    script_sections = fields.Raw(required=True, allow_none=True)


class InterviewOutput(Schema):
    success = fields.Boolean(required=True)
    interview = fields.Nested(WholeInterviewOutput, required=True)


class RestoredOutput(Schema):
    success = fields.Boolean(required=True)
    interview = fields.Nested(ListedInterviewOutput, required=True)


class InterviewStatusOutput(Schema):
    success = fields.Boolean(required=True)
    id = fields.UUID(required=True)
    status = fields.String(required=True)
    title = fields.String(required=True)
    attempt = fields.Integer(required=True)
    created_at = fields.String(required=True, data_key="createdAt", attribute="createdAt")
    updated_at = fields.String(required=True, data_key="updatedAt", attribute="updatedAt")
    processing_time = fields.Float(
        required=True, allow_none=True, data_key="processingTime", attribute="processingTime"
    )
    metadata = fields.Dict(required=True)
    error = fields.Dict(required=True, allow_none=True)


class InterviewReceiptOutput(Schema):
    success = fields.Boolean(required=True)
    receipt = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
