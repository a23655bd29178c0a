"""Where a person is, as every answer about a journey tells it. It holds no name, phone or birth date."""

from marshmallow import Schema, fields

_TIME = {"format": "date-time"}


class EstimateItem(Schema):
    minutes = fields.Integer(required=True)
    low = fields.Integer(required=True)
    high = fields.Integer(required=True)
    basis = fields.String(required=True)


class QueueDetailItem(Schema):
    queue_id = fields.String(required=True)
    exam_id = fields.String(required=True)
    exam_name = fields.String(required=True)
    room = fields.Raw(required=True, allow_none=True)
    state = fields.String(required=True)
    queue_number = fields.Integer(required=True)
    position = fields.Integer(required=True, metadata={"description": "From 1; 0 = called or inside."})
    ahead = fields.Integer(required=True)
    estimated_wait_time = fields.Integer(required=True, allow_none=True, metadata={"description": "Minutes."})
    estimate = fields.Nested(EstimateItem, required=True, allow_none=True)
    called_at = fields.String(required=True, allow_none=True, metadata=_TIME)
    call_count = fields.Integer(required=True)


class AppointmentItem(Schema):
    appointment_id = fields.String(required=True)
    exam_id = fields.String(required=True)
    exam_name = fields.String(required=True)
    scheduled_at = fields.String(required=True, metadata=_TIME)
    status = fields.String(required=True)


class SnapshotOutput(Schema):
    journey_state = fields.String(required=True)
    phase = fields.String(required=True)
    visit_id = fields.String(required=True, allow_none=True)
    queue_details = fields.List(fields.Nested(QueueDetailItem), required=True)
    appointments = fields.List(fields.Nested(AppointmentItem), required=True)
    available_actions = fields.List(fields.String(), required=True)
    delays_left = fields.Integer(
        required=True, metadata={"description": "How often the person may still step aside in this visit."}
    )
    next_appointment = fields.Nested(AppointmentItem, required=True, allow_none=True)
    guidance = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    last_seq = fields.Integer(required=True, metadata={"description": "Where `patient:{user_id}` stands with it."})
    epoch = fields.String(required=True)
    timestamp = fields.String(required=True, metadata=_TIME)
