"""A question to a persona, with what was said before it."""

from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, ValidationError, fields

from core.letters import compose
from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.bodies import BODY_MAX_BYTES

QUESTION_MAX = 4_000
# More than a body holds.
_MESSAGES_MAX = BODY_MAX_BYTES // len("{},")
_CONVERSATION_MAX = 128
_PERSONA = say("페르소나를 골라 주세요.", "페르소나를 다시 골라 주세요.")
_USER = "user"


class PersonaIdField(Text):
    """As a project's id: what is no id is nobody's persona."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(WORD_MAX, required=True, error_messages=_PERSONA, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more).strip()
        if text in {"", "undefined", "null"}:
            raise ValidationError("페르소나를 골라 주세요.")
        try:
            return UUID(text)
        except ValueError:
            return UUID(int=0)


class _AnyText(Text):
    """Or whatever else stands there."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:  # noqa: ARG002 marshmallow's
        return value


class ChatMessageInput(InputSchema):
    """As chat libraries keep them, with fields of their own: only the user's last one is looked at."""

    role = _AnyText(BODY_MAX_BYTES, load_default=None, allow_none=True)
    content = _AnyText(BODY_MAX_BYTES, load_default=None, allow_none=True)


class _Messages(fields.List[dict[str, Any]]):
    """A conversation. The user's last message alone is loaded: a body holds thousands, each a schema's work."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        asked = [one for one in value if isinstance(one, dict) and one.get("role") == _USER]
        return super()._deserialize(asked[-1:], attr, data, **more)


class ChatInput(InputSchema):
    messages = _Messages(
        fields.Nested(ChatMessageInput, unknown=EXCLUDE),
        required=True,
        metadata={"maxItems": _MESSAGES_MAX},
        error_messages=say("무엇을 물을지 보내 주세요.", "무엇을 물을지 보내 주세요."),
    )
    persona_id = PersonaIdField(data_key="personaId")
    conversation_id = Text(_CONVERSATION_MAX, data_key="conversationId", load_default=None, allow_none=True)


def question_of(body: dict[str, Any]) -> str | None:
    """The last text of the user; None where there is none, or one that is too long."""
    asked = [one["content"] for one in body["messages"] if isinstance(one["content"], str)]
    text = compose(asked[0]).strip() if asked else ""
    return text if 0 < len(text) <= QUESTION_MAX else None
