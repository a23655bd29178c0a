"""Scans of tags."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.journey.tags import canonical_uid
from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.api.journey.schemas.snapshot import SnapshotOutput
from webapp.api.journey.schemas.words import DeviceField, sun_word

UID_FAULT = "태그 번호를 확인해 주세요. 예: 04:10:00:00:00:00:01"
_NDEF_MAX = 1024
_VIA = ("nfc", "url", "qr", "typed")


class TagUid(Text):
    """4, 7 or 10 bytes in hexadecimal digits, as `04:10:...` whatever it is written like."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            WORD_MAX, error_messages=say(UID_FAULT, UID_FAULT), metadata={"example": "04:10:00:00:00:00:01"}, **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        uid = canonical_uid(super()._deserialize(value, attr, data, **more))
        if uid is None:
            raise self.make_error("invalid")
        return uid


class ScanInput(InputSchema):
    tag_uid = TagUid(load_default=None)
    tag_code = Text(WORD_MAX, load_default=None, validate=validate.Length(1, error="태그의 글자를 입력해 주세요."))
    e = sun_word("e")
    c = sun_word("c")
    ndef = Text(
        _NDEF_MAX,
        load_default=None,
        metadata={"description": "The tag's whole address, as it was read; of a dynamic tag in place of `e` and `c`."},
    )
    device_id = DeviceField()
    via = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.OneOf(_VIA, error="nfc, url, qr, typed 가운데 하나로 보내 주세요."),
    )

    @validates_schema
    def need_one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("tag_uid") is None) == (data.get("tag_code") is None):
            raise ValidationError("tag_uid와 tag_code 가운데 하나만 보내 주세요.", "tag_uid")


class TagItem(Schema):
    tag_id = fields.String(required=True)
    title = fields.String(required=True)
    floor = fields.Integer(required=True)
    x = fields.Float(required=True)
    y = fields.Float(required=True)


class TagExamItem(Schema):
    exam_id = fields.String(required=True)
    title = fields.String(required=True)


class ScanOutput(Schema):
    success = fields.Boolean(required=True)
    tag = fields.Nested(TagItem, required=True)
    exams = fields.List(fields.Nested(TagExamItem), required=True)
    guidance = fields.Dict(
        keys=fields.String(), required=True, allow_none=True, metadata={"description": "`from`, `to` and the steps."}
    )
    transition = fields.Boolean(required=True, metadata={"description": "Whether the scan was the arrival."})
    journey = fields.Nested(SnapshotOutput, required=True, allow_none=True)
    scan_token = fields.String(required=True, allow_none=True, metadata={"description": "For who is not logged in."})
