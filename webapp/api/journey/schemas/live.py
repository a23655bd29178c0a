"""Polls of the journey's streams."""

from marshmallow import Schema, fields, validate

from webapp.api.fields import WORD_MAX, InputSchema, Text
from webapp.api.journey.schemas.words import staff_reason

_AFTER = r"([0-9a-f]{0,32}:)?[0-9]{1,15}"
_LONGEST_WAIT_SECONDS = 60


class LiveQuery(InputSchema):
    after_seq = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.Regexp(rf"\A{_AFTER}\Z", error="12 또는 epoch:12처럼 보내 주세요."),
        metadata={"pattern": f"^{_AFTER}$", "description": "`12` or `epoch:12`; without it, what comes from now on."},
    )
    wait = fields.Float(
        load_default=0,
        validate=validate.Range(0, _LONGEST_WAIT_SECONDS, error="0에서 60까지의 숫자로 보내 주세요."),
        error_messages={"invalid": "0에서 60까지의 숫자로 보내 주세요."},
        metadata={"description": "Seconds to wait for something to come."},
    )


class EntryLiveQuery(LiveQuery):
    reason = staff_reason()


class LiveOutput(Schema):
    success = fields.Boolean(required=True)
    messages = fields.List(fields.Dict(keys=fields.String()), required=True)
    last_seq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    resync = fields.Boolean(
        required=True,
        metadata={"description": "What came after `after_seq` is gone: take `state`, and go on from here."},
    )
    state = fields.Dict(keys=fields.String(), metadata={"description": "The greeting, with `resync`."})
