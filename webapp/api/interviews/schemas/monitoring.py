"""What staff see of the projects' streams, and what clients report."""

from typing import Any

from marshmallow import Schema, fields, validate

from webapp.api.fields import InputSchema
from webapp.api.interviews.schemas.uploads import ProjectIdField

_MOST_RECEIVED = 100_000
_RECEIVED = f"0에서 {_MOST_RECEIVED} 사이의 수를 보내 주세요."


def _rates(**more: Any) -> fields.Dict:
    """By window: `1m`, `5m`, `15m`."""
    return fields.Dict(keys=fields.String(), values=fields.Float(allow_none=True), required=True, **more)


class StreamConnectionsOutput(Schema):
    total = fields.Integer(required=True)
    projects = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class StreamMetricsOutput(Schema):
    success = fields.Boolean(required=True)
    processes = fields.Integer(required=True)
    connections = fields.Nested(StreamConnectionsOutput, required=True)
    events_per_second = fields.Dict(keys=fields.String(), values=_rates(), required=True)
    sent_per_second = _rates()
    received_per_second = _rates()
    reconnects_per_minute = _rates()
    append_to_write_ms = _rates(metadata={"description": "p50, p95, p99 of the last five minutes."})
    stale = fields.Integer(required=True)
    chats = fields.Integer(required=True)


class OneConnectionOutput(Schema):
    process = fields.String(required=True)
    project_id = fields.UUID(required=True)
    open_seconds = fields.Float(required=True)
    idle_seconds = fields.Float(required=True)


class ConnectionListOutput(Schema):
    success = fields.Boolean(required=True)
    connections = fields.List(fields.Nested(OneConnectionOutput), required=True)


class ReceivedInput(InputSchema):
    project_id = ProjectIdField(data_key="projectId")
    received = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(0, _MOST_RECEIVED, error=_RECEIVED),
        error_messages={"required": _RECEIVED, "invalid": _RECEIVED},
    )
