"""What a patient wants put into a thread."""

from marshmallow import Schema, fields, validate

from services.threads.record_messages import SentKind
from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.api.threads.schemas.keys import check_uuid

_WHAT = "checkups, prescriptions, report 가운데 하나 이상을 보내 주세요."


class SendRecordsInput(InputSchema):
    what = fields.List(
        Text(WORD_MAX, validate=validate.OneOf(list(SentKind), error=_WHAT), error_messages=say(_WHAT, _WHAT)),
        required=True,
        validate=validate.Length(1, len(SentKind), error=_WHAT),
        error_messages=say(_WHAT, _WHAT),
        metadata={"maxItems": len(SentKind)},
    )
    requestId = Text(
        WORD_MAX,
        load_default=None,
        validate=check_uuid,
        error_messages=say("소문자 UUID를 보내 주세요.", "소문자 UUID를 보내 주세요."),
        metadata={"description": "The same again is the same sending, also after its end, for 30 days."},
    )


class SendingOutput(Schema):
    success = fields.Boolean(required=True)
    sendingId = fields.UUID(required=True, metadata={"description": "It stands in the last envelope, too."})
