"""Layers of the floors' maps on the wire."""

from marshmallow import Schema, fields, validate

from services.journey.maps.store import LAYERS


class LayerItem(Schema):
    name = fields.String(required=True, validate=validate.OneOf(LAYERS))
    href = fields.String(required=True)
    bytes = fields.Integer(required=True)


class LayersOutput(Schema):
    success = fields.Boolean(required=True)
    layers = fields.List(fields.Nested(LayerItem), required=True)


class LayerOutput(Schema):
    success = fields.Boolean(required=True)
    layer = fields.Nested(LayerItem, required=True)
