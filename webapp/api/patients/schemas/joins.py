"""Joins on the wire."""

from marshmallow import Schema, fields


class JoinedOutput(Schema):
    success = fields.Boolean(required=True)
    message = fields.String(required=True)
    joined_at = fields.AwareDateTime(required=True)
    undo_until = fields.AwareDateTime(required=True)


class JoinStateOutput(Schema):
    success = fields.Boolean(required=True)
    joined = fields.Boolean(required=True)
    joined_at = fields.AwareDateTime()
    undo_until = fields.AwareDateTime()
    shown_elsewhere = fields.Boolean(
        metadata={"description": "True when a newer patient is shown these records; they can be taken apart here, too."}
    )
