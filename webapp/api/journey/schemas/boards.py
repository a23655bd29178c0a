"""A line's board for staff, and a hall's screen, on the wire."""

from marshmallow import Schema, fields

from webapp.api.journey.schemas.snapshot import EstimateItem


class BoardRoomItem(Schema):
    room_id = fields.String(required=True)
    title = fields.String(required=True)
    floor = fields.Integer(required=True)


class BoardPatientItem(Schema):
    user_id = fields.String(required=True)
    name = fields.String(required=True)


class BoardQueueItem(Schema):
    queue_id = fields.String(required=True)
    patient = fields.Nested(BoardPatientItem, required=True)
    queue_number = fields.Integer(required=True)
    state = fields.String(required=True)
    journey_state = fields.String(
        required=True, metadata={"description": "Of the person: of who waits here, CALLED or IN_PROGRESS elsewhere."}
    )
    position = fields.Integer(required=True, metadata={"description": "From 1; 0 = called or inside."})
    room_id = fields.String(
        required=True, allow_none=True, metadata={"description": "Of the call, else of the exam; null: it has none."}
    )
    waited_minutes = fields.Integer(required=True)
    estimate = fields.Nested(EstimateItem, required=True, allow_none=True)
    priority = fields.Integer(required=True)
    priority_reason = fields.String(required=True, allow_none=True)
    no_show_count = fields.Integer(required=True)
    call_count = fields.Integer(required=True)
    joined_at = fields.AwareDateTime(required=True)
    called_at = fields.AwareDateTime(required=True, allow_none=True)
    last_called_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Of who is called: when the call was made or repeated last."},
    )
    call_seen_at = fields.AwareDateTime(required=True, allow_none=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)


class BoardStaffItem(Schema):
    staff_id = fields.String(required=True)
    name = fields.String(required=True)


class BoardShiftItem(Schema):
    shift_id = fields.Integer(required=True)
    staff = fields.Nested(BoardStaffItem, required=True)
    room = fields.Nested(BoardRoomItem, required=True)
    started_at = fields.AwareDateTime(required=True)


class WaitErrorsItem(Schema):
    calls = fields.Integer(required=True, metadata={"description": "Of today, that are compared."})
    median_error = fields.Float(required=True, allow_none=True, metadata={"description": "Minutes."})
    bias = fields.Float(required=True, allow_none=True, metadata={"description": "Minutes told too much."})
    coverage = fields.Float(required=True, allow_none=True, metadata={"description": "Share within the band."})


class TagAlertItem(Schema):
    tag_id = fields.String(required=True)
    title = fields.String(required=True)


class BoardOutput(Schema):
    success = fields.Boolean(required=True)
    exam_id = fields.String(required=True)
    exam_name = fields.String(required=True)
    waiting_count = fields.Integer(required=True)
    inside_count = fields.Integer(required=True, metadata={"description": "Called or inside."})
    queues = fields.List(fields.Nested(BoardQueueItem), required=True)
    shifts = fields.List(fields.Nested(BoardShiftItem), required=True)
    errors = fields.Nested(WaitErrorsItem, required=True)
    tag_alerts = fields.List(
        fields.Nested(TagAlertItem),
        required=True,
        metadata={"description": "Tags that more devices outside the hospital scan than should."},
    )
    updated_at = fields.AwareDateTime(required=True)


class HallCallItem(Schema):
    queue_number = fields.Integer(required=True)
    since = fields.AwareDateTime(required=True)
    call_count = fields.Integer(required=True)


class HallRowItem(Schema):
    exam_id = fields.String(required=True)
    display_title = fields.String(required=True)
    room = fields.Nested(BoardRoomItem, required=True, allow_none=True)
    calling = fields.List(fields.Nested(HallCallItem), required=True)
    next = fields.List(fields.Integer(), required=True)
    waiting_count = fields.Integer(required=True)
    estimated_wait_time = fields.Integer(required=True, metadata={"description": "Of whoever joins now, in minutes."})


class HallOutput(Schema):
    success = fields.Boolean(required=True)
    rooms = fields.List(fields.Nested(HallRowItem), required=True)
    updated_at = fields.AwareDateTime(required=True)
