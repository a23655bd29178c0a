"""An upload: what goes with its file, or its text."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from webapp.api.fields import WORD_MAX, ComposedText, InputSchema, StrictBoolean, Text, say
from webapp.api.interviews.schemas.interviews import ListedInterviewOutput

TITLE_MAX = 200
# Of JSON; what MISO takes is a setting, and has a code of its own.
TEXT_MAX = 1024 * 1024
WORDS_MAX = 100
_PROJECT = say("프로젝트를 골라 주세요.", "프로젝트를 다시 골라 주세요.")
_MODIFIED = "파일을 고친 때를 1970년부터의 밀리초로 보내 주세요."
_LATEST_MS = 32_503_680_000_000


class ProjectIdField(Text):
    """`undefined` and `null` are what pages send that have not chosen one; what is no id is nobody's project."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(WORD_MAX, required=True, error_messages=_PROJECT, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more).strip()
        if text in {"", "undefined", "null"}:
            raise ValidationError("프로젝트를 골라 주세요.")
        try:
            return UUID(text)
        except ValueError:
            return UUID(int=0)


class _InterviewIdField(fields.UUID):
    def __init__(self) -> None:
        messages = say("인터뷰를 골라 주세요.", "인터뷰를 다시 골라 주세요.")
        super().__init__(data_key="interviewId", required=True, error_messages=messages)


def _modified(*, strict: bool) -> fields.Integer:
    return fields.Integer(
        strict=strict,
        data_key="lastModified",
        load_default=None,
        validate=validate.Range(0, _LATEST_MS, error=_MODIFIED),
        error_messages={"invalid": _MODIFIED},
    )


class UploadInput(InputSchema):
    """From JSON. `consents`: whoever was interviewed has consented."""

    project_id = ProjectIdField(data_key="projectId")
    text = Text(TEXT_MAX, load_default=None)
    title = ComposedText(TITLE_MAX, load_default=None)
    last_modified = _modified(strict=True)
    mask_words = fields.List(
        ComposedText(WORD_MAX),
        data_key="maskWords",
        load_default=list,
        metadata={"maxItems": WORDS_MAX},
        error_messages={"invalid": "가릴 말을 쉼표로 나누어 보내 주세요."},
    )
    consents: fields.Boolean = StrictBoolean(data_key="consent", load_default=False)


class UploadForm(UploadInput):
    """The same from a form, which has texts only."""

    last_modified = _modified(strict=False)
    consents = fields.Boolean(
        data_key="consent", load_default=False, error_messages={"invalid": "true 또는 false로 보내 주세요."}
    )


class UploadOutput(Schema):
    success = fields.Boolean(required=True)
    interview_id = fields.UUID(required=True)
    status = fields.String(required=True)
    message = fields.String(required=True)
    interview = fields.Nested(ListedInterviewOutput, required=True)
    duplicate_of = fields.UUID(required=True, allow_none=True)


class RetryInput(InputSchema):
    interview_id = _InterviewIdField()
    consents = StrictBoolean(data_key="consent", load_default=False)


class ProcessInput(InputSchema):
    interview_id = _InterviewIdField()
    project_id = ProjectIdField(data_key="projectId")


class RetryOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)
    attempt = fields.Integer(required=True)


class StartedOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)
