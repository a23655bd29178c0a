"""The published table of states and actions."""

from marshmallow import Schema, fields


class TransitionItem(Schema):
    source = fields.String(required=True, data_key="from")
    action = fields.String(required=True)
    actor = fields.String(required=True)
    target = fields.String(required=True, data_key="to")


class MappingsItem(Schema):
    queue_to_journey = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    journey_to_queue = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class LimitsItem(Schema):
    recall_after_seconds = fields.Integer(required=True, metadata={"description": "Since the last call."})
    undo_call_within_seconds = fields.Integer(required=True)
    no_show_after_seconds = fields.Integer(
        required=True, metadata={"description": "After a call, until a desk is offered to mark a no-show."}
    )


class DefinitionsOutput(Schema):
    success = fields.Boolean(required=True)
    journey_states = fields.List(fields.String(), required=True)
    queue_states = fields.List(fields.String(), required=True)
    patient_actions = fields.List(fields.String(), required=True)
    staff_actions = fields.List(fields.String(), required=True)
    state_transitions = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.String()), required=True
    )
    transitions = fields.List(fields.Nested(TransitionItem), required=True)
    computed_actions = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    phases = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    mappings = fields.Nested(MappingsItem, required=True)
    sockets = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    limits = fields.Nested(LimitsItem, required=True)
    time_zone = fields.String(required=True, metadata={"description": "The hospital's, by IANA."})
    version = fields.String(required=True)
