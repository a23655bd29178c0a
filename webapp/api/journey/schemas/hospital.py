"""What a hospital's admins set up: exams, rooms, tags, displays."""

from typing import Any

from marshmallow import Schema, fields, validate

from webapp.api.fields import WORD_MAX, InputSchema, StrictBoolean, StrictFloat, Text, say
from webapp.api.journey.schemas.tags import TagUid
from webapp.api.journey.schemas.words import NAME_MAX, NameOfThing

_FLOOR = validate.Range(-20, 200, error="-20에서 200까지 쓸 수 있어요.")
_COORDINATE = validate.Range(-100_000, 100_000, error="-100000에서 100000까지 쓸 수 있어요.")
_MINUTES = validate.Range(1, 600, error="1에서 600까지 쓸 수 있어요.")
_NUMBER = say("숫자를 입력해 주세요.", "숫자를 입력해 주세요.")
_EXAMS_MAX = 64
_SUN_KEY = "[0-9A-Fa-f]{32}"


def _title(**more: Any) -> Text:
    return Text(
        NAME_MAX,
        validate=validate.Length(1, error="이름을 입력해 주세요."),
        error_messages=say("이름을 입력해 주세요.", "이름을 확인해 주세요."),
        **more,
    )


def _exam_ids(**more: Any) -> fields.List[Any]:
    return fields.List(NameOfThing(), metadata={"maxItems": _EXAMS_MAX}, **more)


def _sun_key(**more: Any) -> Text:
    return Text(
        WORD_MAX,
        allow_none=True,
        validate=validate.Regexp(rf"\A{_SUN_KEY}\Z", error="16진수 32자리로 써 주세요."),
        metadata={
            "pattern": f"^{_SUN_KEY}$",
            "writeOnly": True,
            "description": "Of a dynamic tag (NTAG 424 DNA): its SDMMetaReadKey and its SDMFileReadKey, which are the"
            " same. null: a static tag.",
        },
        **more,
    )


class RoomChangeInput(InputSchema):
    title = _title()
    floor = fields.Integer(strict=True, validate=_FLOOR, error_messages=_NUMBER)
    x = StrictFloat(validate=_COORDINATE, error_messages=_NUMBER)
    y = StrictFloat(validate=_COORDINATE, error_messages=_NUMBER)


class RoomInput(InputSchema):
    room_id = NameOfThing(required=True)
    title = _title(required=True)
    floor = fields.Integer(strict=True, required=True, validate=_FLOOR, error_messages=_NUMBER)
    x = StrictFloat(required=True, validate=_COORDINATE, error_messages=_NUMBER)
    y = StrictFloat(required=True, validate=_COORDINATE, error_messages=_NUMBER)


class ExamChangeInput(InputSchema):
    title = _title()
    display_title = _title()
    room_id = NameOfThing(allow_none=True)
    avg_minutes = fields.Integer(strict=True, allow_none=True, validate=_MINUTES, error_messages=_NUMBER)
    needs_fasting = StrictBoolean()


class ExamInput(ExamChangeInput):
    exam_id = NameOfThing(required=True)
    title = _title(required=True)
    display_title = _title(required=True)


class TagChangeInput(InputSchema):
    title = _title()
    room_id = NameOfThing(allow_none=True)
    floor = fields.Integer(strict=True, validate=_FLOOR, error_messages=_NUMBER)
    x = StrictFloat(validate=_COORDINATE, error_messages=_NUMBER)
    y = StrictFloat(validate=_COORDINATE, error_messages=_NUMBER)
    exam_ids = _exam_ids()
    is_active = StrictBoolean()
    sun_key = _sun_key()


class TagInput(InputSchema):
    tag_id = NameOfThing(required=True)
    tag_uid = TagUid(required=True)
    title = _title(required=True)
    room_id = NameOfThing(load_default=None, allow_none=True)
    floor = fields.Integer(strict=True, required=True, validate=_FLOOR, error_messages=_NUMBER)
    x = StrictFloat(required=True, validate=_COORDINATE, error_messages=_NUMBER)
    y = StrictFloat(required=True, validate=_COORDINATE, error_messages=_NUMBER)
    exam_ids = _exam_ids(load_default=list)
    sun_key = _sun_key(load_default=None)


class DisplayChangeInput(InputSchema):
    title = _title()
    exam_ids = _exam_ids()
    is_revoked = StrictBoolean(
        load_default=False,
        metadata={"description": "true: its key opens nothing any more, and its sockets are closed."},
    )


class DisplayInput(InputSchema):
    display_id = NameOfThing(required=True)
    title = _title(required=True)
    exam_ids = _exam_ids(required=True)


class RoomItem(Schema):
    room_id = fields.String(required=True)
    title = fields.String(required=True)
    floor = fields.Integer(required=True)
    x = fields.Float(required=True)
    y = fields.Float(required=True)


class ExamItem(Schema):
    exam_id = fields.String(required=True)
    title = fields.String(required=True)
    display_title = fields.String(required=True)
    room_id = fields.String(required=True, allow_none=True)
    avg_minutes = fields.Integer(required=True, allow_none=True)
    needs_fasting = fields.Boolean(required=True)


class WallTagItem(Schema):
    tag_id = fields.String(required=True)
    tag_uid = fields.String(required=True)
    tag_code = fields.String(required=True)
    short_code = fields.String(required=True, metadata={"description": "Printed on the tag, for who must type it."})
    title = fields.String(required=True)
    room_id = fields.String(required=True, allow_none=True)
    floor = fields.Integer(required=True)
    x = fields.Float(required=True)
    y = fields.Float(required=True)
    exam_ids = fields.List(fields.String(), required=True)
    is_active = fields.Boolean(required=True)
    is_dynamic = fields.Boolean(
        required=True,
        metadata={"description": "It has a `sun_key`: a scan needs the `e` and `c` of its address."},
    )
    is_marked = fields.Boolean(
        required=True,
        metadata={"description": "More devices outside the hospital scan it than should: rotate its code."},
    )


class DisplayItem(Schema):
    display_id = fields.String(required=True)
    title = fields.String(required=True)
    exam_ids = fields.List(fields.String(), required=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)


class RoomOutput(Schema):
    success = fields.Boolean(required=True)
    room = fields.Nested(RoomItem, required=True)


class RoomsOutput(Schema):
    success = fields.Boolean(required=True)
    rooms = fields.List(fields.Nested(RoomItem), required=True)


class ExamOutput(Schema):
    success = fields.Boolean(required=True)
    exam = fields.Nested(ExamItem, required=True)


class ExamsOutput(Schema):
    success = fields.Boolean(required=True)
    exams = fields.List(fields.Nested(ExamItem), required=True)


class TagOutput(Schema):
    success = fields.Boolean(required=True)
    tag = fields.Nested(WallTagItem, required=True)


class TagsOutput(Schema):
    success = fields.Boolean(required=True)
    tags = fields.List(fields.Nested(WallTagItem), required=True)


class DisplayOutput(Schema):
    success = fields.Boolean(required=True)
    display = fields.Nested(DisplayItem, required=True)
    key = fields.String(metadata={"description": "Of a new one, shown once: `/hall/{display_id}#key=...`."})


class DisplaysOutput(Schema):
    success = fields.Boolean(required=True)
    displays = fields.List(fields.Nested(DisplayItem), required=True)
