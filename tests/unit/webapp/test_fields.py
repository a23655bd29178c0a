"""What fields make of what is sent."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from core.clock import clock
from webapp import create_app
from webapp.api.fields import Birthdate, InputSchema, Moment, StrictBoolean, StrictFloat

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_a_moment_with_an_odd_offset_becomes_utc():
    given = Moment("다시 보내 주세요.").deserialize("2025-03-24T00:48:24+23:16")
    assert given == datetime(2025, 3, 23, 1, 32, 24, tzinfo=UTC)
    assert given.utcoffset() == NOW.utcoffset()


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1899-01-01T00:00:00Z"])
def test_a_moment_that_no_database_takes_is_refused(text: str):
    with pytest.raises(ValidationError, match="다시"):
        Moment("다시 보내 주세요.").deserialize(text)


def test_today_is_a_birthdate_and_tomorrow_is_none():
    with clock.frozen(NOW):
        assert Birthdate().deserialize("20261121") == NOW.date()
        with pytest.raises(ValidationError):
            Birthdate().deserialize("2026-11-22")


@pytest.mark.parametrize("value", ["true", "yes", "on", "1", 1, 1.0, "false", "off", 0, None, [], {}])
def test_a_boolean_is_true_or_false_alone(value: object):
    with pytest.raises(ValidationError, match="true 또는 false"):
        StrictBoolean().deserialize(value)


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_itself(value: bool):
    assert StrictBoolean().deserialize(value) is value


@pytest.mark.parametrize("value", ["1.5", "1_0", "nan", "", True, None, [], float("nan"), float("inf")])
def test_a_number_is_no_text(value: object):
    with pytest.raises(ValidationError):
        StrictFloat().deserialize(value)


def test_a_number_is_itself():
    assert [StrictFloat().deserialize(value) for value in (1, -2.5, 0)] == [1.0, -2.5, 0.0]


def all_inputs(schema: type[InputSchema] = InputSchema) -> Iterator[type[InputSchema]]:
    for one in schema.__subclasses__():
        if one.__module__.startswith("webapp."):
            yield one
        yield from all_inputs(one)


def sentences(messages: Any) -> Iterator[str]:
    if isinstance(messages, str):
        yield messages
    else:
        for part in messages.values() if isinstance(messages, dict) else messages:
            yield from sentences(part)


def faults_of(schema: type[InputSchema], body: dict[str, Any]) -> list[str]:
    try:
        schema().load(body)
    except ValidationError as exc:
        return list(sentences(exc.messages))
    return []


# With the app come all of its schemas.
assert create_app
ODD: list[Any] = [None, 1, -1, 1.5, True, "x", "", "9" * 30, [], [1], [None], {}, {"a": 1}]


@pytest.mark.parametrize("schema", sorted(set(all_inputs()), key=str))
def test_every_fault_of_an_input_is_told_in_korean(schema: type[InputSchema]):
    bodies = [{}, *({field.data_key or name: odd} for name, field in schema().load_fields.items() for odd in ODD)]
    told = [fault for body in bodies for fault in faults_of(schema, body)]
    assert [said for said in told if not re.search("[가-힣]", said)] == []
