"""NUL characters in JSON: kept, although PostgreSQL refuses them."""

from typing import Any

import orjson
import pytest

from services.patients.stored_json import from_stored, to_stored


@pytest.mark.parametrize(
    "value",
    [
        {"plain": ["text", 1, 2.5, None, True]},
        {"nul": "a\x00b"},
        {"k\x00ey": {"deep": ["\x00"]}},
        {"the escape itself": "\ufdd0", "with a digit": "\ufdd00", "both": "\ufdd0\x00\ufdd01"},
        {"backslash": "\\u0000"},
    ],
)
def test_any_json_comes_back_as_it_was(value: Any) -> None:
    stored = to_stored(value)
    assert "\x00" not in str(stored)
    assert from_stored(stored) == value


def test_ordinary_json_is_stored_untouched() -> None:
    value = orjson.loads('{"Year": "2023년", "Inspections": [{"Value": "118/76"}]}')
    assert to_stored(value) is value
    assert from_stored(value) is value
