"""What a shift can be begun with."""

from marshmallow import Schema, fields

from webapp.api.journey.schemas.staff import ShiftItem


class ExamChoiceItem(Schema):
    exam_id = fields.String(required=True)
    title = fields.String(required=True)
    room_id = fields.String(required=True, allow_none=True, metadata={"description": "Where it usually is."})


class RoomChoiceItem(Schema):
    room_id = fields.String(required=True)
    title = fields.String(required=True)
    floor = fields.Integer(required=True)


class ShiftChoicesOutput(Schema):
    success = fields.Boolean(required=True)
    shift = fields.Nested(ShiftItem, required=True, allow_none=True)
    exams = fields.List(fields.Nested(ExamChoiceItem), required=True)
    rooms = fields.List(fields.Nested(RoomChoiceItem), required=True)
