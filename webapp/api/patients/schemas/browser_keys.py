"""Browser keys on the wire."""

from marshmallow import Schema, fields


class BrowserKeyOutput(Schema):
    success = fields.Boolean(required=True)
    patient_uuid = fields.UUID(required=True)
    key = fields.String(required=True, metadata={"description": "256 bits for AES-GCM, in base64."})
