"""The checker's findings and the day's figures, on the wire."""

from marshmallow import Schema, fields


class InconsistencyItem(Schema):
    user_id = fields.String(required=True)
    journey_state = fields.String(required=True)
    queue_states = fields.List(fields.String(), required=True)
    expected = fields.String(required=True, allow_none=True)


class InconsistenciesItem(Schema):
    count = fields.Integer(required=True)
    items = fields.List(fields.Nested(InconsistencyItem), required=True, metadata={"description": "Ten at most."})


class CountItem(Schema):
    count = fields.Integer(required=True)


class LeftOpenItem(Schema):
    count = fields.Integer(required=True)
    items = fields.List(fields.String(), required=True, metadata={"description": "Entries; ten at most."})


class TotalsItem(Schema):
    total_patients = fields.Integer(required=True)
    active_queues = fields.Integer(required=True)
    state_distribution = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class JourneyHealthOutput(Schema):
    success = fields.Boolean(required=True)
    healthy = fields.Boolean(required=True)
    inconsistencies = fields.Nested(InconsistenciesItem, required=True)
    orphans = fields.Nested(CountItem, required=True)
    invalid_transitions = fields.Nested(CountItem, required=True)
    left_open = fields.Nested(LeftOpenItem, required=True)
    statistics = fields.Nested(TotalsItem, required=True)


class ExamDayItem(Schema):
    waiting = fields.Integer(required=True)
    wait_median = fields.Float(required=True, allow_none=True)
    wait_p90 = fields.Float(required=True, allow_none=True)
    error = fields.Float(required=True, allow_none=True)
    bias = fields.Float(required=True, allow_none=True)
    coverage = fields.Float(required=True, allow_none=True)
    no_shows = fields.Integer(required=True)
    calls_unseen = fields.Integer(required=True)


class JourneyStatsOutput(TotalsItem):
    success = fields.Boolean(required=True)
    exams = fields.Dict(keys=fields.String(), values=fields.Nested(ExamDayItem), required=True)
