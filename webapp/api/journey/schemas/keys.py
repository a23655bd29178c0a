"""Idempotency keys, in a header or in the body."""

from typing import Any

from marshmallow import validate

from webapp.api.fields import WORD_MAX, Text

_PATTERN = r"[A-Za-z0-9_-]{1,64}"
KEY_FAULT = "영문, 숫자, 밑줄, 붙임표로 64자까지 쓸 수 있어요."
is_key = validate.Regexp(rf"\A{_PATTERN}\Z", error=KEY_FAULT)


class KeyField(Text):
    """A key in a body; None where there is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(WORD_MAX, load_default=None, validate=is_key, metadata={"pattern": f"^{_PATTERN}$"}, **kwargs)
