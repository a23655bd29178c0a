"""Names of speakers, and highlights."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import WORD_MAX, ComposedText, InputSchema, say
from webapp.api.interviews.schemas.interviews import TITLE_BESIDE_OTHERS

_NOTE_MAX = 1_000
_TAG_MAX, _MOST_TAGS = 40, 10
_NUMBER = "발화 번호를 보내 주세요."
_SPEAKERS = "화자마다 이름을 보내 주세요."


class SpeakersInput(InputSchema):
    speakers = fields.Dict(
        keys=ComposedText(WORD_MAX),
        values=ComposedText(WORD_MAX),
        required=True,
        error_messages=say(_SPEAKERS, _SPEAKERS),
        metadata={"example": {"[이름1]": "참여자 A", "화자2": "참여자 A"}},
    )


class SpeakerOutput(Schema):
    label = fields.String(required=True, metadata={"description": "As the script has it."})
    name = fields.String(required=True)
    utterances = fields.Integer(required=True)


class SpeakersOutput(Schema):
    success = fields.Boolean(required=True)
    speakers = fields.List(fields.Nested(SpeakerOutput), required=True)
    revision = fields.Integer(required=True)


class _UtteranceField(fields.Integer):
    def __init__(self, name: str) -> None:
        bounds = validate.Range(0, 2**31, error=_NUMBER)
        super().__init__(
            strict=True, data_key=name, required=True, validate=bounds, error_messages=say(_NUMBER, _NUMBER)
        )


class HighlightInput(InputSchema):
    first_utterance_id = _UtteranceField("firstUtteranceId")
    last_utterance_id = _UtteranceField("lastUtteranceId")
    tags = fields.List(ComposedText(_TAG_MAX), load_default=list, metadata={"maxItems": _MOST_TAGS})
    note = ComposedText(_NOTE_MAX, load_default="")


class HighlightsQuery(InputSchema):
    tag = ComposedText(_TAG_MAX, load_default=None)


class HighlightAccountOutput(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)


class OneHighlightOutput(Schema):
    id = fields.UUID(required=True)
    interview_id = fields.UUID(required=True)
    first_utterance_id = fields.Integer(required=True)
    last_utterance_id = fields.Integer(required=True)
    tags = fields.List(fields.String(), required=True)
    note = fields.String(required=True)
    account = fields.Nested(HighlightAccountOutput, required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)


class HighlightOutput(Schema):
    success = fields.Boolean(required=True)
    highlight = fields.Nested(OneHighlightOutput, required=True)


class HighlightsOutput(Schema):
    success = fields.Boolean(required=True)
    highlights = fields.List(fields.Nested(OneHighlightOutput), required=True)


class HighlightedUtteranceOutput(Schema):
    utterance_id = fields.Integer(required=True)
    speaker = fields.String(required=True)
    text = fields.String(required=True)


class ProjectHighlightOutput(OneHighlightOutput):
    title = fields.String(required=True, metadata=TITLE_BESIDE_OTHERS)
    utterances = fields.List(
        fields.Nested(HighlightedUtteranceOutput),
        required=True,
        metadata={"description": "The first three of those in the range."},
    )
    utterance_count = fields.Integer(required=True, metadata={"description": "Of the whole range."})


class ProjectHighlightsOutput(Schema):
    success = fields.Boolean(required=True)
    highlights = fields.List(fields.Nested(ProjectHighlightOutput), required=True)
