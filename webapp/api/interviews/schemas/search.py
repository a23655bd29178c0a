"""A search, and what it finds."""

import re
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from services.interviews.script import bare_letters
from services.interviews.search import SHORTEST_QUERY, UtterancePlace
from webapp.api.fields import WORD_MAX, ComposedText, InputSchema, Text, say
from webapp.api.interviews.schemas.interviews import PAGE_FAULT, PAGE_MAX, TITLE_BESIDE_OTHERS

_TEXT_MAX = 100
# No script has as many lines as nine digits count, and the database's numbers have an end.
_PLACE = re.compile(r"([^.]+)\.([0-9]{1,9})")
_TOO_SHORT = f"찾을 말을 {SHORTEST_QUERY}글자부터 보내 주세요."


def _check_letters(text: str) -> None:
    if len(bare_letters(text)) < SHORTEST_QUERY:
        raise ValidationError(_TOO_SHORT)


class PlaceField(Text):
    """The `next` of a page before."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        place = _PLACE.fullmatch(super()._deserialize(value, attr, data, **more))
        try:
            if place is not None:
                return UtterancePlace(UUID(place[1]), int(place[2]))
        except ValueError:
            pass
        raise ValidationError("앞 쪽의 next를 보내 주세요.")


class SearchQuery(InputSchema):
    text = ComposedText(
        _TEXT_MAX, data_key="q", required=True, validate=_check_letters, error_messages=say(_TOO_SHORT, _TOO_SHORT)
    )
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, PAGE_MAX, error=PAGE_FAULT),
        error_messages={"invalid": PAGE_FAULT},
    )
    after = PlaceField(WORD_MAX, load_default=None)


class SaidOutput(Schema):
    utterance_id = fields.Integer(required=True)
    speaker = fields.String(required=True)
    text = fields.String(required=True)


class FoundUtteranceOutput(SaidOutput):
    interview_id = fields.UUID(required=True)
    title = fields.String(required=True, metadata=TITLE_BESIDE_OTHERS)
    marks = fields.List(
        fields.List(fields.Integer()),
        required=True,
        metadata={"description": "From and up to which character of `text` the searched letters stand."},
    )
    before = fields.Nested(SaidOutput, required=True, allow_none=True)
    after = fields.Nested(SaidOutput, required=True, allow_none=True)


class SearchOutput(Schema):
    success = fields.Boolean(required=True)
    results = fields.List(fields.Nested(FoundUtteranceOutput), required=True)
    next = fields.String(required=True, allow_none=True, metadata={"description": "The `after` of the next page."})
