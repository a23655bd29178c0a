"""The commands of one connection: off the loop, one at a time and in order, and no more than may wait."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from core.logs import get_logger
from webapp.relay import messages
from webapp.relay.loop import Loop, Workers
from webapp.relay.messages import ErrorCode

log = get_logger(__name__)
MAX_WAITING = 8
Message = Mapping[str, Any]
Run = Callable[[Message], Sequence[bytes]]


class CommandQueue:
    """Belongs to the loop. `on_answered` is called there with the JSON frames that a command returned."""

    def __init__(
        self,
        loop: Loop,
        workers: Workers,
        on_answered: Callable[[Sequence[bytes]], None],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._max_waiting = max_waiting
        self._loop = loop
        self._workers = workers
        self._on_answered = on_answered
        self._waiting: deque[tuple[Run, Message]] = deque()
        self._is_running = False

    def put(self, run: Run, message: Message) -> bool:
        """False when too many wait already."""
        if len(self._waiting) >= self._max_waiting:
            return False
        self._waiting.append((run, message))
        if not self._is_running:
            self._start_next()
        return True

    def drop_waiting(self) -> None:
        """The connection ends, perhaps because its right was lost: what it asked for last must not happen any more."""
        self._waiting.clear()

    def _start_next(self) -> None:
        self._is_running = True
        self._workers.put(partial(self._run, *self._waiting.popleft()))

    def _run(self, run: Run, message: Message) -> None:
        try:
            answers = run(message)
        except Exception:
            # The edge of a command: its client is told, and the log knows why.
            log.exception("relay_command_failed")
            answers = [messages.error(ErrorCode.COMMAND_FAILED)]
        self._loop.run(partial(self._on_done, answers))

    def _on_done(self, answers: Sequence[bytes]) -> None:
        self._is_running = False
        if self._waiting:
            self._start_next()
        self._on_answered(answers)
