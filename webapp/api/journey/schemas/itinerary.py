"""An itinerary on the wire."""

from marshmallow import Schema, fields, validate

from services.journey.itinerary import StopReason


class ItineraryRoomItem(Schema):
    room_id = fields.String(required=True)
    title = fields.String(required=True)
    floor = fields.Integer(required=True)
    x = fields.Float(required=True)
    y = fields.Float(required=True)


class StopItem(Schema):
    exam_id = fields.String(required=True)
    exam_name = fields.String(required=True)
    room = fields.Nested(ItineraryRoomItem, required=True, allow_none=True)
    walk_minutes = fields.Integer(required=True)
    wait_minutes = fields.Integer(required=True)
    start_from = fields.String(required=True, metadata={"format": "date-time"})
    because = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in StopReason]))


class ItineraryOutput(Schema):
    success = fields.Boolean(required=True)
    stops = fields.List(fields.Nested(StopItem), required=True)
    total_minutes = fields.Integer(required=True)
