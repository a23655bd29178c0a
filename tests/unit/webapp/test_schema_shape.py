"""The shape of an answer changes with each of its fields, however deep."""

import pytest
from marshmallow import Schema, fields

from webapp.schema_shape import shape_of


class Drug(Schema):
    name = fields.String()


class IllustratedDrug(Drug):
    picture = fields.String()


def with_field(field: fields.Field) -> type[Schema]:
    return Schema.from_dict({"told": field}, name="Told")


@pytest.mark.parametrize(
    "more",
    [fields.Integer(), fields.Nested(IllustratedDrug), fields.List(fields.Nested(IllustratedDrug))],
    ids=["another type", "more in it", "more in each"],
)
def test_a_field_that_differs_is_another_shape(more: fields.Field):
    known = [fields.String(), fields.Nested(Drug), fields.List(fields.Nested(Drug))]
    assert shape_of(with_field(more)) not in {shape_of(with_field(field)) for field in known}


def test_the_same_fields_are_the_same_shape():
    assert shape_of(with_field(fields.Nested(Drug))) == shape_of(with_field(fields.Nested(Drug)))
