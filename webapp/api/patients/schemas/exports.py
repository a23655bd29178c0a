"""Exports on the wire."""

from marshmallow import Schema, fields, validate

from models.patients import ExportState
from webapp.api.fields import InputSchema, Text


class ExportStarted(Schema):
    success = fields.Boolean(required=True)
    export_id = fields.UUID(required=True)


class ExportOutput(Schema):
    success = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in ExportState]))
    url = fields.String(metadata={"description": "Opens the archive once, within ten minutes; there when it is ready."})


class LinkQuery(InputSchema):
    key = Text(100, required=True, validate=validate.Length(min=20, error="받은 주소를 그대로 열어 주세요."))
