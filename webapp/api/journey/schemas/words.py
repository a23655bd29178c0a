"""Fields that several of the journey's inputs share."""

from typing import Any

from marshmallow import validate

from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.api.patients.schemas.access_log import ReasonField

NAME_MAX = 100
_DEVICE = r"[A-Za-z0-9-]{8,64}"
_NAMED = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


class DeviceField(Text):
    """What a device calls itself: random, and made by the page."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            WORD_MAX,
            load_default=None,
            validate=validate.Regexp(rf"\A{_DEVICE}\Z", error="영문, 숫자, 붙임표로 8자에서 64자까지 쓸 수 있어요."),
            metadata={"pattern": f"^{_DEVICE}$"},
            **kwargs,
        )


class NameOfThing(Text):
    """An id that the hospital gives: of an exam, a room, a tag, a display."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            WORD_MAX,
            validate=validate.Regexp(rf"\A{_NAMED}\Z", error="영문, 숫자, 점, 밑줄, 붙임표로 64자까지 쓸 수 있어요."),
            metadata={"pattern": f"^{_NAMED}$"},
            **kwargs,
        )


def sun_word(name: str) -> Text:
    """What is no such pair is answered as a tag that nobody knows."""
    return Text(
        WORD_MAX,
        load_default=None,
        allow_none=True,
        error_messages=say("글자로 보내 주세요.", "글자로 보내 주세요."),
        metadata={"description": f"Of a dynamic tag: `{name}` of its address, as it stands there at this scan."},
    )


def staff_reason() -> ReasonField:
    """Where nothing is sent, what the member of staff is at work on stands there."""
    return ReasonField(
        load_default=None, metadata={"description": "Of staff: why they look; the person reads it in their access log."}
    )


class ReasonQuery(InputSchema):
    reason = staff_reason()
