"""The WebSocket of a reader: what its client says in JSON, and the commands that it gives."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from webapp.relay import messages, metrics
from webapp.relay.client_protocol import PING_MAX_BYTES, ClientMistakeError, name_of, parse_message
from webapp.relay.commands import MAX_WAITING, CommandQueue, Run
from webapp.relay.connection import Connection
from webapp.relay.messages import ErrorCode
from webapp.relay.pool import ReaderPool


class ReaderConnection(Connection):
    """On the loop, save the commands themselves."""

    __slots__ = ("_commands",)

    def __init__(self, pool: ReaderPool, descriptor: int, done: threading.Event | None = None) -> None:
        super().__init__(pool, descriptor, done)
        self._commands: CommandQueue | None = None  # once one was given

    # What a subclass decides

    @property
    def _max_waiting(self) -> int:
        """How many commands may wait."""
        return MAX_WAITING

    def _subject_of(self, message: Mapping[str, Any]) -> Mapping[str, str]:
        """The fields by which a command says what it is about, for the answer to one that is refused unread."""
        del message
        return {}

    def _find_command(self, name: str) -> Run | None:
        """What a client's message of this name asks for."""
        del name
        return None

    def _end_subscriptions(self) -> None:
        """Nothing more will be read from any stream."""

    # What the connection tells

    def _on_ended(self) -> None:
        if self._commands is not None:
            self._commands.drop_waiting()
        self._end_subscriptions()

    def _on_binary(self) -> None:
        self.send(messages.error(ErrorCode.NOT_TEXT))

    def _on_text(self, text: bytes) -> None:
        """A client's mistake is answered, and the socket stays."""
        self._idle_pings = 0
        try:
            message = parse_message(text)
        except ClientMistakeError as exc:
            metrics.MESSAGES_IN.labels("other").inc()
            self.send(messages.error(exc.code))
            return
        name = name_of(message)
        if name == "ping":
            metrics.MESSAGES_IN.labels("ping").inc()
            is_short = len(text) <= PING_MAX_BYTES
            self.send(messages.pong(message.get("timestamp")) if is_short else messages.error(ErrorCode.TOO_LONG))
        else:
            self._on_command(name, message)

    def _on_command(self, name: str, message: Mapping[str, Any]) -> None:
        command = self._find_command(name)
        metrics.MESSAGES_IN.labels("other" if command is None else "command").inc()
        if command is None:
            self.send(messages.error(ErrorCode.UNKNOWN_TYPE))
            return
        self._commands = self._commands or CommandQueue(
            self._pool.loop, self._pool.workers, self._on_answered, self._max_waiting
        )
        if not self._commands.put(command, message):
            self.send(messages.error(ErrorCode.TOO_MANY_COMMANDS, **self._subject_of(message)))

    def _on_answered(self, answers: Sequence[bytes]) -> None:
        for json in answers:
            self.send(json)
        self.flush()
