"""Every input has a bound, and nothing looks at a value before its length was judged."""

import ast
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from webapp.api.fields import WORD_MAX, InputSchema, StrictBoolean, StrictFloat, Text

from .source import Module, modules

_NAMES_OF_INPUTS = ("Input", "Query")
_API = [module for module in modules() if module.name.startswith("webapp.api")]


def schemas() -> Iterator[type[Schema]]:
    """Every schema that a module below webapp/api defines."""
    for module in _API:
        if ".schemas" not in module.name:
            continue
        loaded = importlib.import_module(module.name)
        for item in vars(loaded).values():
            if isinstance(item, type) and issubclass(item, Schema) and item.__module__ == module.name:
                yield item


INPUTS = sorted({schema for schema in schemas() if issubclass(schema, InputSchema)}, key=lambda schema: schema.__name__)
FIELDS = [(schema, name, field) for schema in INPUTS for name, field in schema().load_fields.items()]


def every_field() -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("schema", "name", "field"), FIELDS, ids=[f"{schema.__name__}.{name}" for schema, name, _ in FIELDS]
    )


def named_inputs(module: Module) -> Iterator[str]:
    """The schemas that a module's operations take their arguments by."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "arguments":
            yield ast.unparse(node.args[0])


def test_there_are_inputs_to_guard():
    assert {"StartInput", "PasswordInput", "MessagesQuery", "RunsQuery"} <= {schema.__name__ for schema in INPUTS}


@pytest.mark.parametrize("module", _API, ids=lambda module: module.name)
def test_operations_take_bounded_inputs_only(module: Module):
    assert set(named_inputs(module)) <= {schema.__name__ for schema in INPUTS}


def test_what_is_named_an_input_is_bounded():
    inputs = [schema for schema in schemas() if schema.__name__.endswith(_NAMES_OF_INPUTS)]
    assert not [schema.__name__ for schema in inputs if not issubclass(schema, InputSchema)]


@every_field()
def test_a_string_says_how_long_it_may_be(schema: type[InputSchema], name: str, field: fields.Field[Any]):
    for inner in parts_of(field):
        # Anything may stand in these, of any size.
        assert not isinstance(inner, fields.Raw), name
        assert not isinstance(inner, fields.Dict) or isinstance(inner.value_field, Text), name
        assert not isinstance(inner, fields.String) or isinstance(inner, Text), name
        if isinstance(inner, fields.Nested):
            assert isinstance(inner.schema, InputSchema), name


def parts_of(field: fields.Field[Any]) -> Iterator[fields.Field[Any]]:
    yield field
    if isinstance(field, fields.List):
        yield from parts_of(field.inner)
    if isinstance(field, fields.Dict):
        yield from parts_of(field.value_field)


@every_field()
def test_a_long_text_is_refused_before_anything_else(schema: type[InputSchema], name: str, field: fields.Field[Any]):
    """Alone of all faults: the other fields are missing or wrong as well, and nobody has looked at them yet."""
    longest = field.max_length if isinstance(field, Text) else WORD_MAX
    with pytest.raises(ValidationError) as refused:
        schema().load({field.data_key or name: "가" * (longest + 1), "nothing we know": 1})
    assert refused.value.messages == {field.data_key or name: [f"{longest}자까지 쓸 수 있어요."]}


def test_a_list_is_bounded_in_number_and_in_each_item():
    class ConsentInput(InputSchema):
        kinds = fields.List(Text(5), metadata={"maxItems": 3})

    assert ConsentInput().load({"kinds": ["a"] * 3}) == {"kinds": ["a"] * 3}
    for value, message in ((["a"] * 4, "3개까지 보낼 수 있어요."), (["a", "x" * 6], "5자까지 쓸 수 있어요.")):
        with pytest.raises(ValidationError) as refused:
            ConsentInput().load({"kinds": value})
        assert refused.value.messages == {"kinds": [message]}


def test_a_mapping_is_bounded_in_number_and_in_each_text():
    class TextsInput(InputSchema):
        texts = fields.Dict(keys=Text(WORD_MAX), values=Text(WORD_MAX))

    assert TextsInput().load({"texts": {"a": "b"}}) == {"texts": {"a": "b"}}
    long = "x" * (WORD_MAX + 1)
    for value in ({str(number): "" for number in range(33)}, {long: ""}, {"a": long}):
        with pytest.raises(ValidationError) as refused:
            TextsInput().load({"texts": value})
        assert list(refused.value.messages) == ["texts"]


@every_field()
def test_a_body_takes_no_text_for_a_number_or_a_boolean(schema: type[InputSchema], name: str, field: fields.Field[Any]):
    """A query has only texts for them, and so has a form."""
    if schema.__name__.endswith(("Query", "Form")):
        return
    for inner in parts_of(field):
        assert not isinstance(inner, fields.Boolean) or isinstance(inner, StrictBoolean), name
        assert not isinstance(inner, fields.Integer) or inner.strict, name
        assert not isinstance(inner, fields.Float) or isinstance(inner, StrictFloat), name
