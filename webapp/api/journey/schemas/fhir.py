"""The search parameters of FHIR."""

from marshmallow import fields, validate

from services.journey.fhir.documents import MOST_PER_PAGE, USUAL_PER_PAGE
from webapp.api.fields import WORD_MAX, Text
from webapp.api.journey.schemas.words import ReasonQuery

_DATE_MAX = 40
_MOST_DATES = 2
_FARTHEST = 1_000_000
_DATE_HELP = "`2026-11`, `2026-11-26` or with a time and zone; before it `eq`, `ge`, `gt`, `le` or `lt`."


class DatesField(fields.List[str]):
    """A date, or two that bound a time from both sides."""

    def __init__(self, name: str) -> None:
        super().__init__(
            Text(_DATE_MAX),
            data_key=name,
            load_default=list,
            metadata={"maxItems": _MOST_DATES, "description": _DATE_HELP},
        )


class FhirQuery(ReasonQuery):
    patient = Text(WORD_MAX, load_default=None, metadata={"description": "`Patient/{user_id}`, or the id alone."})
    date = DatesField("date")
    updated = DatesField("_lastUpdated")
    count = fields.Integer(
        data_key="_count",
        load_default=USUAL_PER_PAGE,
        validate=validate.Range(0, MOST_PER_PAGE, error=f"0에서 {MOST_PER_PAGE}까지 쓸 수 있어요."),
        error_messages={"invalid": f"0에서 {MOST_PER_PAGE}까지의 숫자로 보내 주세요."},
    )
    offset = fields.Integer(
        data_key="_offset",
        load_default=0,
        validate=validate.Range(0, _FARTHEST, error="다음 쪽의 주소를 그대로 써 주세요."),
        error_messages={"invalid": "다음 쪽의 주소를 그대로 써 주세요."},
    )
