"""Sources of the small app: what they say can be told from the request, and they are numbered by the subject."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streams import Position, StoredEvent
from tests.numbered_streams import NumberedStreams
from webapp.relay import messages
from webapp.relay.closing import CloseCode
from webapp.relay.errors import RelayError
from webapp.relay.sse import parse_position
from webapp.relay.stream_source import (
    Command,
    FollowedStreams,
    MultiSubjectCommand,
    MultiSubjectSource,
    SseProfile,
    StreamSource,
)


class Office:
    """Takes rights away, and counts how it is asked."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()
        self.is_closed = False
        self.questions: list[int] = []

    def review(self, rights: Sequence[str]) -> list[int | None]:
        self.questions.append(len(rights))
        if self.is_closed:
            raise RuntimeError("as if a store were down")
        return [CloseCode.NOT_AUTHENTICATED if right in self.revoked else None for right in rights]


class Source(StreamSource):
    def __init__(
        self, streams: NumberedStreams, office: Office, subject: str, asked: Mapping[str, str], max_readers: int
    ):
        self._streams = streams
        self._office = office
        self._subject = subject
        self._asked = asked
        self._max_readers = max_readers

    @property
    def subject(self) -> str:
        return self._subject

    @property
    def max_readers(self) -> int:
        return self._max_readers

    @property
    def right(self) -> str:
        return self._subject

    @property
    def authority(self) -> Office:
        return self._office

    @property
    def sse(self) -> SseProfile:
        return PROFILES[self._asked.get("profile", "default")]

    def greeting(self, end: Position) -> list[bytes]:
        about = {"session_id": self._subject}
        state = {"read": self._asked["state"]} if "state" in self._asked else self._snapshot()
        return [
            messages.at_position("connection_established", about, end),
            messages.at_position("session_status", about, end, data=state),
        ]

    def resync(self, position: Position) -> bytes:
        return messages.at_position("resync", {"session_id": self._subject}, position, data=self._snapshot())

    @classmethod
    def close_code_for(cls, event: StoredEvent) -> int | None:
        return event.body.get("close")

    def command(self, name: str) -> Command | None:
        commands: dict[str, Command] = {
            "status_request": lambda _, end: [
                messages.at_position("session_status", {"session_id": self._subject}, end, data=self._snapshot())
            ],
            "fail": lambda _, __: [b"" for _ in [1 // 0]],
            "wait": self._wait,
        }
        return commands.get(name)

    def is_concerned(self, notices: frozenset[str]) -> bool:
        return super().is_concerned(notices) or f"sid:{self._asked.get('sid')}" in notices

    def _wait(self, message: Mapping[str, Any], _end: Position) -> list[bytes]:
        threading.Event().wait(message["seconds"])
        return [orjson.dumps({"type": "waited", "number": message["number"]})]

    def _snapshot(self) -> Mapping[str, Any]:
        kind = self._asked.get("snapshot", "")
        if kind == "broken":
            raise RuntimeError("as if a store were down")
        extra = {"text": "x" * 100_000} if kind == "big" else {}
        return {"last": [event.body["n"] for event in self._streams.last(self._subject, 1)], **extra}


PROFILES = {
    "default": SseProfile(),
    "own": SseProfile(
        retry_ms=1234, keep_alive=b"event: beat\ndata: {}\n\n", keep_alive_seconds=0.1, starts_with_id=True
    ),
}


class Desk(MultiSubjectSource):
    """Follows whatever subject its client names: `{"command": "follow", "subject": ..., "after": ...}`."""

    max_subjects = 4  # type: ignore[assignment] # a property there

    def __init__(self, office: Office, make: Any, login: str) -> None:
        self._office = office
        self._make = make
        self._login = login

    @property
    def right(self) -> str:
        return self._login

    @property
    def authority(self) -> Office:
        return self._office

    def greeting(self) -> list[bytes]:
        return [orjson.dumps({"type": "welcome"})]

    def command(self, name: str) -> MultiSubjectCommand | None:
        commands: dict[str, MultiSubjectCommand] = {"follow": self._follow, "unfollow": self._unfollow}
        return commands.get(name)

    def is_concerned(self, notices: frozenset[str]) -> bool:
        return f"sid:{self._login}" in notices

    def _follow(self, message: Mapping[str, Any], followed: FollowedStreams) -> list[bytes]:
        after = parse_position(message["after"]) if "after" in message else None
        try:
            followed.follow(self._make(message["subject"]), after)
        except RelayError as exc:
            return [orjson.dumps({"type": "refused", "why": type(exc).__name__})]
        return []

    def _unfollow(self, message: Mapping[str, Any], followed: FollowedStreams) -> list[bytes]:
        was_followed = followed.unfollow(message["subject"])
        return [orjson.dumps({"type": "unfollowed", "was_followed": was_followed})]
