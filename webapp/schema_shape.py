"""Which fields an answer has, so that an ETag changes with them."""

from functools import cache
from typing import Any

from marshmallow import Schema, fields


@cache
def shape_of(schema: type[Schema]) -> str:
    """The names and types of its fields, those of what lies in them, too."""
    return _describe(schema())


def _describe(schema: Schema) -> str:
    return ",".join(f"{name}:{_describe_field(field)}" for name, field in sorted(schema.fields.items()))


def _describe_field(field: fields.Field[Any]) -> str:
    kind = type(field).__name__
    if isinstance(field, fields.List):
        return f"{kind}({_describe_field(field.inner)})"
    return f"{kind}({_describe(field.schema)})" if isinstance(field, fields.Nested) else kind
