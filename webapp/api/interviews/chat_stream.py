"""The answer of a chat as it is written: MISO's frames unchanged, comments meanwhile, one frame of ours on a fault."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import orjson
from prometheus_client import Gauge

from core.names import project_subject
from services.interviews.chats import Chat
from services.interviews.errors import ChatFailed
from webapp.api.interviews.reading_right import ReadingRight
from webapp.error_codes import Code
from webapp.error_meanings import CODES
from webapp.relay.closing import CloseCode
from webapp.relay.pool import ReaderPool
from webapp.relay.server_connection import ServerConnection
from webapp.relay.sse_writer import SseWriter
from webapp.relay.stream_source import Authority

COMMENT_SECONDS = 15.0
CHATS_OPEN = Gauge("welno_chats_open", "Answers of chats under way.", multiprocess_mode="livesum")
_COMMENT = b": alive\n\n"
_CODES: Mapping[int, Code] = {
    CloseCode.NOT_AUTHENTICATED: Code.UNAUTHORIZED,
    CloseCode.UNKNOWN: Code.PERSONA_NOT_FOUND,
}


@dataclass(frozen=True, slots=True)
class ChatSource:
    """Who may go on reading an answer."""

    right: ReadingRight
    authority: Authority

    def is_concerned(self, notices: frozenset[str]) -> bool:
        subjects = (f"subject:{project_subject(project_id)}" for project_id in self.right.project_ids)
        return f"sid:{self.right.sid}" in notices or any(subject in notices for subject in subjects)


class ChatStream(SseWriter):
    """Ends with the answer, or with one `error` frame of ours."""

    transport: ClassVar[str] = "chat"

    def __init__(
        self,
        pool: ReaderPool,
        source: ChatSource,
        chat: Chat,
        *,
        connection: ServerConnection,
        on_close: Callable[[], None],
    ) -> None:
        super().__init__(pool, source, connection=connection, on_close=on_close)
        self._chat = chat
        CHATS_OPEN.inc()

    def _wake(self) -> None:
        self._chat.wake()

    def _release(self) -> None:
        CHATS_OPEN.dec()
        self._chat.close()

    def _run(self) -> Iterator[bytes]:
        yield _COMMENT  # with the answer's head: nobody waits for the first word to know that it has begun
        pause = min(COMMENT_SECONDS, self._pool.limits.sse_comment_seconds)
        while not self._is_ended:
            try:
                piece = self._chat.next(pause)
            except ChatFailed as exc:
                self._outcome = exc.code
                yield _fault(Code(exc.code))
                return
            if piece is not None and piece.data:
                yield frame_of(piece.data)
            elif self._chat.is_over:
                break
            elif not self._is_ended:
                yield _COMMENT
        if not self._is_ended:
            self._outcome = "done"
        elif self._end_code is not None:
            self._outcome = str(int(self._end_code))
            yield _fault(_CODES.get(self._end_code, Code.STORE_UNAVAILABLE))


def frame_of(data: bytes) -> bytes:
    """As one event, whatever line ends stand in it."""
    return b"".join(b"data: %b\n" % line for line in data.split(b"\n")) + b"\n"


def _fault(code: Code) -> bytes:
    body: dict[str, Hashable] = {"event": "error", "code": code.value, "message": CODES[code].message}
    return frame_of(orjson.dumps(body))
