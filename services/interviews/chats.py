"""Chats under way: MISO's answer read in a thread of its own, and handed on piece by piece as it comes."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from core.logs import get_logger
from core.settings import Settings
from services.interviews.chat_answers import REPLACE, AnswerSoFar
from services.interviews.chat_questions import ChatQuestion, keep_conversation
from services.interviews.errors import (
    ChatFailed,
    ChatInvalid,
    ChatLost,
    ChatNotConfigured,
    ChatRejected,
    ChatTimedOut,
    ChatUnavailable,
)
from services.interviews.row_security import MemberUnitOfWork
from upstream.http.streaming import Cancellation
from upstream.miso.agents import ChatAnswer, ChatFrame, MisoAgent
from upstream.miso.errors import MisoAnswerInvalid, MisoError, MisoRejected

log = get_logger(__name__)
# What may wait for a browser that takes nothing; MISO waits then.
_WAITING_FRAMES = 256
# What still follows the end of an answer, such as `[DONE]`.
_AFTER_END_SECONDS = 2.0
_STOP_WITHIN_SECONDS = 2.0
# What comes back with the next question; MISO's are UUIDs.
_LONGEST_CONVERSATION_ID = 128
_DONE = b"[DONE]"
_ENDS = frozenset({"message_end", "error"})


@dataclass(frozen=True, slots=True, repr=False)
class ChatPiece:
    """The provider's bytes, unchanged; none for its sign of life."""

    data: bytes = b""


class Chats:
    """The agent of a process. Safe to share between threads."""

    def __init__(self, settings: Settings, member_work: MemberUnitOfWork) -> None:
        """Opens no connection."""
        miso = settings.interviews
        self._member_work = member_work
        self._silence_seconds = miso.miso_chat_silence_seconds
        self._agent: MisoAgent | None = None
        if miso.miso_api_url and miso.miso_agent_api_key:
            self._agent = MisoAgent(
                miso.miso_api_url,
                miso.miso_agent_api_key,
                chat_seconds=miso.miso_chat_seconds,
                silence_seconds=miso.miso_chat_silence_seconds,
            )

    def require_configured(self) -> MisoAgent:
        """Raises ChatNotConfigured."""
        if self._agent is None:
            raise ChatNotConfigured
        return self._agent

    def ask(self, question: ChatQuestion) -> "Chat":
        """It is under way; `close` must be called. Raises ChatNotConfigured."""

        def keep(provider_id: str) -> None:
            with self._member_work(question.account_id) as member:
                keep_conversation(member, question, provider_id)

        return Chat(self.require_configured(), question, self._silence_seconds, keep)

    def close(self) -> None:
        if self._agent is not None:
            self._agent.close()


class Chat:
    """`next` and `close` are for one thread; `wake` may be called by any, and never blocks."""

    def __init__(
        self, agent: MisoAgent, question: ChatQuestion, silence_seconds: float, keep: Callable[[str], None]
    ) -> None:
        """`keep` is called once, before the first frame that names the conversation is handed on."""
        self._agent = agent
        self._question = question
        self._silence_seconds = silence_seconds
        self._keep = keep
        self._cancellation = Cancellation()
        self._begun, self._ready, self._room = threading.Event(), threading.Event(), threading.Event()
        self._waiting: deque[ChatPiece] = deque()
        self._said = AnswerSoFar()
        self._failure: ChatFailed | None = None
        self._has_begun = self._is_kept = self._has_ended = self._is_over = self._is_woken = False
        self._task_id = ""
        self._heard_at = time.monotonic()
        self._thread = threading.Thread(target=self._read, name="chat", daemon=True)
        self._thread.start()

    def has_begun(self, within_seconds: float) -> bool:
        """Whether MISO has answered with a 200 by then. Raises ChatFailed when it has refused."""
        self._begun.wait(within_seconds)
        if self._failure is not None and not self._has_begun:
            raise self._failure
        return self._has_begun

    @property
    def is_over(self) -> bool:
        """Everything was handed on."""
        return self._is_over and not self._waiting

    def next(self, pause_seconds: float) -> ChatPiece | None:
        """None after the pause, when it is over, and when somebody has called `wake`. Raises ChatFailed."""
        deadline = time.monotonic() + pause_seconds
        while True:
            is_over = self._is_over  # before the look at what waits, so that nothing is left behind
            if self._waiting:
                self._room.set()
                return self._waiting.popleft()
            now = time.monotonic()
            if is_over or now >= self._silent_at():
                self._end()
                return None
            if self._is_woken or now >= deadline:
                self._is_woken = False
                return None
            self._ready.wait(min(deadline, self._silent_at()) - now)
            self._ready.clear()

    def wake(self) -> None:
        self._is_woken = True
        self._ready.set()

    def close(self) -> None:
        """MISO hears of it: the connection is closed, and an answer that has not ended is stopped."""
        self._cancellation.cancel()
        self._room.set()
        self._thread.join(_STOP_WITHIN_SECONDS)

    def _silent_at(self) -> float:
        return self._heard_at + (_AFTER_END_SECONDS if self._has_ended else self._silence_seconds)

    def _end(self) -> None:
        """Raises ChatFailed, unless the answer was whole."""
        if not self._is_over and not self._has_ended:
            self._failure = ChatTimedOut()
        self._is_over = True
        self._cancellation.cancel()
        if self._failure is not None:
            raise self._failure

    # In the chat's own thread

    def _read(self) -> None:
        try:
            self._relay()
        except MisoError as exc:
            if not self._has_ended and not self._cancellation.is_cancelled:
                self._failure = _failure_of(exc, has_begun=self._has_begun)
        except Exception:
            # The edge of this thread: its reader must not wait for it, and the log knows why.
            log.exception("chat_failed")
            self._failure = ChatUnavailable()
        finally:
            self._is_over = True
            self._begun.set()
            self._ready.set()
        if self._task_id and not self._has_ended:
            self._stop()

    def _relay(self) -> None:
        asked = self._question
        with self._agent.chat(
            asked.query, asked.inputs, asked.user, asked.conversation_id, self._cancellation
        ) as answer:
            self._has_begun, self._heard_at = True, time.monotonic()
            self._begun.set()
            for frame in answer.frames():
                self._task_id = answer.task_id
                self._note_conversation(answer)
                if not self._hand_on(frame) or frame.event == "error" or frame.data == _DONE:
                    return

    def _hand_on(self, frame: ChatFrame) -> bool:
        """False when nobody wants it any more."""
        self._heard_at = time.monotonic()
        piece = self._piece_of(frame)
        self._wait_for_room()
        if piece is not None:
            self._waiting.append(piece)
            self._ready.set()
        self._has_ended = self._has_ended or frame.event in _ENDS
        return not self._cancellation.is_cancelled

    def _wait_for_room(self) -> None:
        while len(self._waiting) >= _WAITING_FRAMES and not self._cancellation.is_cancelled:
            self._room.clear()
            if len(self._waiting) >= _WAITING_FRAMES:
                self._room.wait()

    def _piece_of(self, frame: ChatFrame) -> ChatPiece | None:
        """None for what is not relayed."""
        if frame.event == "ping":
            return ChatPiece()
        if frame.event == REPLACE and not self._said.takes_back(frame.fields):
            return None
        self._said.note(frame.fields)
        return ChatPiece(frame.data) if frame.fields or frame.data.strip() == _DONE else None

    def _note_conversation(self, answer: ChatAnswer) -> None:
        provider_id = answer.conversation_id
        if self._is_kept or not provider_id:
            return
        self._is_kept = True
        if len(provider_id) > _LONGEST_CONVERSATION_ID or not provider_id.isprintable():
            log.warning("conversation_not_kept", error="odd_id")
            return
        try:
            self._keep(provider_id)
        except SQLAlchemyError as exc:
            # The answer is worth more than that the conversation can be gone on with.
            log.warning("conversation_not_kept", error=type(exc).__name__)

    def _stop(self) -> None:
        try:
            self._agent.stop(self._task_id, self._question.user)
        except MisoError as exc:
            log.warning("chat_not_stopped", error=type(exc).__name__)


def _failure_of(error: MisoError, *, has_begun: bool) -> ChatFailed:
    details = {"response_status": error.http_status, "provider_code": error.provider_code}
    known = {name: value for name, value in details.items() if value}
    if isinstance(error, MisoRejected):
        return ChatRejected(known or None)
    if isinstance(error, MisoAnswerInvalid):
        return ChatInvalid()
    if error.reason == "timed_out":
        return ChatTimedOut()
    return ChatLost() if has_begun else ChatUnavailable(known or None)
