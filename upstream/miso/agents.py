"""The client of a chat agent, for web processes: an answer relayed frame by frame, aborted when its reader leaves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from upstream.http.exchange import BrokenResponse, ExchangeError, HttpResponse
from upstream.http.streaming import Cancellation, HttpStream
from upstream.miso import answers
from upstream.miso.connection import MisoCallLimits, MisoConnection, path_of, translate
from upstream.miso.errors import MisoAnswerInvalid, MisoAnswerLost
from upstream.miso.sse import EventParser, EventTooLarge, ProviderEvent, read_event

CHAT_SECONDS, SILENCE_SECONDS = 600.0, 30.0
_STOP_SECONDS = 10.0
_MAX_CHAT_BYTES, _MAX_FRAME_BYTES = 8 * 1024 * 1024, 1024 * 1024
_ENDS = frozenset({"message_end", "error"})


@dataclass(frozen=True, slots=True, repr=False)
class ChatFrame:
    """`data` are the provider's bytes, unchanged; `event` its name for them, `ping` for a sign of life, empty for
    `[DONE]`. `fields` is empty where `data` is no object."""

    event: str
    data: bytes
    fields: Mapping[str, Any]


class ChatAnswer:
    """An answer that has begun. `abort` may be called from any thread."""

    def __init__(self, stream: HttpStream) -> None:
        self._stream = stream
        self.task_id = ""
        self.conversation_id = ""

    def abort(self) -> None:
        """Closes the connection, which wakes whoever reads; MISO hears of it only when it writes: call `stop`, too."""
        self._stream.abort()

    def frames(self) -> Iterator[ChatFrame]:
        """Ends after `message_end` (and `[DONE]`), an `error` or an abort. Raises MisoAnswerLost when it breaks off or
        falls silent before, MisoAnswerInvalid beyond the bounds."""
        parser, has_ended = EventParser(_MAX_FRAME_BYTES), False
        try:
            for piece in self._stream.pieces():
                for event in parser.feed(piece):
                    frame = self._read(event)
                    has_ended = has_ended or frame.event in _ENDS
                    yield frame
        except EventTooLarge as exc:
            raise MisoAnswerInvalid(reason="too_large") from exc
        except ExchangeError as exc:
            raise translate(exc) from exc
        if not has_ended and not self._stream.is_aborted:
            raise MisoAnswerLost(reason=BrokenResponse.reason)

    def _read(self, event: ProviderEvent) -> ChatFrame:
        fields = read_event(event)
        ids = answers.ids_of(fields)
        self.task_id = self.task_id or ids.task_id
        conversation_id = fields.get("conversation_id")
        if not self.conversation_id and isinstance(conversation_id, str):
            self.conversation_id = conversation_id
        name = fields.get("event")
        return ChatFrame(name if isinstance(name, str) else event.name, event.data, fields)


class MisoAgent:
    """Safe to share between threads. Every call raises MisoError."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        chat_seconds: float = CHAT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        http: httpx.Client | None = None,
    ) -> None:
        self._connection = MisoConnection(base_url, api_key, http)
        self._limits = MisoCallLimits(chat_seconds, silence_seconds, _MAX_CHAT_BYTES)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def chat(
        self,
        query: str,
        inputs: Mapping[str, str],
        user: str,
        conversation_id: str = "",
        cancellation: Cancellation | None = None,
    ) -> Iterator[ChatAnswer]:
        """Entered when MISO's answer has begun with a 2xx; leaving it closes the connection, wherever it stands.
        `cancellation` ends it from elsewhere, also before that."""
        body = {
            "query": query,
            "inputs": dict(inputs),
            "mode": "streaming",
            "conversation_id": conversation_id,
            "user": user,
            "files": [],
        }
        with self._connection.stream("POST", "/chat", self._limits, body=body, cancellation=cancellation) as stream:
            if not 200 <= stream.status < 300:
                raise answers.read_refusal(HttpResponse(stream.status, stream.headers, stream.read()))
            yield ChatAnswer(stream)

    def stop(self, task_id: str, user: str) -> None:
        path = f"/chat{path_of(task_id)}/stop"
        reply = self._connection.call("POST", path, MisoCallLimits(_STOP_SECONDS), body={"user": user})
        if not 200 <= reply.status < 300:
            raise answers.read_refusal(reply)
