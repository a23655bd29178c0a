"""An export's format."""

from marshmallow import validate

from services.interviews.exporting.files import ExportFormat
from webapp.api.fields import WORD_MAX, InputSchema, Text, say

_FORMAT = f"{', '.join(ExportFormat)} 가운데 하나를 보내 주세요."


class ExportQuery(InputSchema):
    format = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(list(ExportFormat), error=_FORMAT),
        error_messages=say(_FORMAT, _FORMAT),
    )
