"""A session's stream for the relay: its greeting and state, what ends it, and who may go on reading."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.names import Event, Status, session_subject
from services.collection.session_cache import SessionView, state_of
from services.collection.watchers import SessionRight
from services.stores import Stores
from streams import Position, StoredEvent
from webapp.api.collection.session_authority import SessionAuthority
from webapp.relay import messages
from webapp.relay.closing import CloseCode
from webapp.relay.stream_source import Command, StreamSource

_CLOSE_CODES = {
    str(Status.EXPIRED): CloseCode.EXPIRED,
    str(Status.CANCELLED): CloseCode.UNKNOWN,
    str(Status.COMPLETED): CloseCode.COMPLETE,
}
# Older releases wrote the first two as errors, and the log keeps those for a month.
_ENDING_TYPES = frozenset({str(Event.EXPIRED), str(Event.CANCELLED), str(Event.ERROR), str(Event.STREAMING_STATUS)})
_ENDING_MARKS = tuple(f'"status":"{status}"'.encode() for status in _CLOSE_CODES)


class SessionSource(StreamSource):
    """`view` is the session where it was read just now; it serves for the greeting only."""

    __slots__ = ("_authority", "_greeted_view", "_here", "_secret", "_session_id")

    def __init__(self, here: Stores, authority: SessionAuthority, view: SessionView, secret: str) -> None:
        self._here = here
        self._authority = authority
        self._session_id = view.session_id
        self._secret = secret
        self._greeted_view: SessionView | None = view

    @property
    def subject(self) -> str:
        return session_subject(self._session_id)

    @property
    def right(self) -> SessionRight:
        return self._session_id, self._secret

    @property
    def authority(self) -> SessionAuthority:
        return self._authority

    @property
    def max_readers(self) -> int:
        return self._here.settings.collection.sockets_per_session

    def greeting(self, end: Position) -> list[bytes]:
        """Where the stream stands, and the state. An event that came since the state was read is still sent."""
        view, self._greeted_view = self._greeted_view, None
        established = messages.at_position("connection_established", self._about(), end)
        return [established, self._status(end, state_of(view) if view is not None else self.snapshot())]

    def resync(self, position: Position) -> bytes:
        return messages.at_position("resync", self._about(), position, data=self.snapshot())

    @classmethod
    def close_code_for(cls, event: StoredEvent) -> int | None:
        """Most events are told apart by their bytes alone."""
        encoded = event.to_json()
        if not any(mark in encoded for mark in _ENDING_MARKS):
            return None
        body = event.body
        return _CLOSE_CODES.get(str(body.get("status"))) if body.get("type") in _ENDING_TYPES else None

    def linger_seconds(self, code: int) -> float:
        return self._here.settings.collection.stream_after_completed_seconds if code == CloseCode.COMPLETE else 0

    def command(self, name: str) -> Command | None:
        return self._answer_status if name == "status_request" else None

    def snapshot(self) -> dict[str, Any]:
        """The state without records: those are fetched, never pushed. Raises SessionNotFound."""
        return self._here.directory.read_state(self._session_id)

    def _answer_status(self, _message: Mapping[str, Any], end: Position) -> Sequence[bytes]:
        return [self._status(end, self.snapshot())]

    def _status(self, end: Position, state: Mapping[str, Any]) -> bytes:
        return messages.at_position("session_status", self._about(), end, data=state)

    def _about(self) -> dict[str, str]:
        return {"session_id": self._session_id}
