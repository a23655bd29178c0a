"""A question to a persona, with what was said before it."""

from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate

from core.letters import compose
from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.bodies import BODY_MAX_BYTES

QUESTION_MAX = 4_000
_MESSAGES_MAX = 200
_CONVERSATION_MAX = 128
_PERSONA = say("페르소나를 골라 주세요.", "페르소나를 다시 골라 주세요.")
_ROLES = ("user", "assistant", "system")
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


class ChatMessageInput(InputSchema):
    role = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(_ROLES, error="user, assistant, system 가운데 하나를 보내 주세요."),
    )
    # Answers that came before may be long; what is asked has a bound of its own.
    content = Text(BODY_MAX_BYTES, required=True)


class ChatInput(InputSchema):
    messages = fields.List(
        fields.Nested(ChatMessageInput),
        required=True,
        metadata={"maxItems": _MESSAGES_MAX},
        error_messages=say("무엇을 물을지 보내 주세요.", "무엇을 물을지 보내 주세요."),
    )
    persona_id = PersonaIdField(data_key="personaId")
    conversation_id = Text(_CONVERSATION_MAX, data_key="conversationId", load_default=None, allow_none=True)


def question_of(body: dict[str, Any]) -> str | None:
    """The last text of the user; None where there is none, or one that is too long."""
    asked = [one["content"] for one in body["messages"] if one["role"] == _USER]
    text = compose(asked[-1]).strip() if asked else ""
    return text if 0 < len(text) <= QUESTION_MAX else None
