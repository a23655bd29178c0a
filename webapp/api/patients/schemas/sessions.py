"""A patient's open sessions on the wire."""

from marshmallow import Schema, fields, validate

from models.patients import OpenedBy
from webapp.api.patients.schemas.access_log import OpeningsOutput


class PatientSessionItem(Schema):
    """`id` opens nothing; `address` is shortened, `device` names browser and system in words."""

    id = fields.UUID(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_seen_at = fields.AwareDateTime(required=True)
    current = fields.Boolean(required=True, metadata={"description": "The one that asks."})
    opened_by = fields.String(required=True, validate=validate.OneOf([kind.value for kind in OpenedBy]))
    address = fields.String(required=True, allow_none=True)
    device = fields.String(required=True, allow_none=True)


class PatientSessionsOutput(OpeningsOutput):
    success = fields.Boolean(required=True)
    has_password = fields.Boolean(
        required=True, metadata={"description": "Whether the records open with a password, too."}
    )
    items = fields.List(fields.Nested(PatientSessionItem), required=True)
