"""Conversations by their user, and the answers that are being said."""

import asyncio
import uuid
from dataclasses import dataclass, field


@dataclass(slots=True)
class ChatTurn:
    """One answer under way."""

    user: str
    conversation_id: str
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Conversations:
    def __init__(self) -> None:
        self._users: dict[str, str] = {}
        self._turns: dict[str, ChatTurn] = {}

    def open(self, user: str, conversation_id: str) -> ChatTurn | None:
        """None for one that is not this user's; empty begins a new one."""
        known = conversation_id or str(uuid.uuid4())
        if not conversation_id:
            self._users[known] = user
        if self._users.get(known) != user:
            return None
        turn = ChatTurn(user, known)
        self._turns[turn.task_id] = turn
        return turn

    def find(self, task_id: str) -> ChatTurn | None:
        return self._turns.get(task_id)
