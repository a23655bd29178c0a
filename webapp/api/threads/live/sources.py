"""A thread's stream for one of its members: where it begins for them, and the item that it ends with."""

import re
from datetime import datetime
from typing import Any, ClassVar

import orjson

from core.names import thread_subject
from services.stores import Stores
from services.threads.items import ItemType, SystemEvent
from services.threads.reading import OpenThread, find_thread, newest_kid
from streams import Position, StoredEvent
from webapp.api.threads import metrics
from webapp.api.threads.live.authority import ReviewOutcome, ThreadAuthority, ThreadRight
from webapp.auth.thread_members import KnownMember
from webapp.relay.closing import CloseCode
from webapp.relay.stream_source import SseProfile, StreamSource

READERS_OF_THREAD = 200
# So that no message is parsed. The type ends within so many bytes, whatever the number; what a sender writes begins
# behind them, after the thread's id and the moment.
_SYSTEM = b'"type":"%b"' % ItemType.SYSTEM.value.encode()
_HEAD_BYTES = 96
_ENDS = frozenset({SystemEvent.MEMBER_REMOVED, SystemEvent.CLOSED})
# The same of a message: its moment, in the bytes that are the server's own.
_RECEIVED_AT = re.compile(
    rb'\{"seq":\d+,"epoch":"[0-9a-f]*","type":"%b","threadId":"[\w-]+","receivedAt":"([^"]+)"'
    % ItemType.MESSAGE.value.encode()
)
_DELIVERY_SECONDS = {transport: metrics.DELIVERY_SECONDS.labels(transport) for transport in ("websocket", "sse")}


class ThreadSource(StreamSource):
    """`joined_seq` is the item that told of the member: one of before, as of an earlier removal, ends nothing."""

    __slots__ = (
        "_after",
        "_authority",
        "_ended_by",
        "_here",
        "_joined_seq",
        "_known",
        "_outcome",
        "_thread_id",
        "_visible_from",
    )

    sse: ClassVar[SseProfile] = SseProfile(starts_with_id=True)

    def __init__(
        self, here: Stores, authority: ThreadAuthority, known: KnownMember, opened: OpenThread, after: Position | None
    ) -> None:
        self._here = here
        self._authority = authority
        self._known = known
        self._thread_id = opened.row.id
        self._visible_from = opened.membership.visible_from
        self._joined_seq = opened.membership.joined_seq
        self._after = _begin(opened, after)
        self._ended_by: SystemEvent | None = None
        self._outcome = ReviewOutcome()

    @property
    def after(self) -> Position:
        """Where this reader begins."""
        return self._after

    @property
    def subject(self) -> str:
        return thread_subject(self._thread_id)

    @property
    def max_readers(self) -> int:
        return READERS_OF_THREAD

    @property
    def restart_after(self) -> int:
        return self._visible_from - 1

    @property
    def right(self) -> ThreadRight:
        return ThreadRight(self._known, self._thread_id, self._outcome)

    @property
    def authority(self) -> ThreadAuthority:
        return self._authority

    def is_concerned(self, notices: frozenset[str]) -> bool:
        return self._known.notice in notices or super().is_concerned(notices)

    def greeting(self, end: Position) -> list[bytes]:
        """Read after the subscription has begun. Raises ThreadNotFound."""
        del end
        opened = self._find()
        told = {"epoch": opened.epoch, "lastSeq": opened.row.last_seq, "ackedSeq": opened.membership.acked_seq}
        return [self._frame("subscribed", told | {"kid": newest_kid(opened.row)})]

    def resync(self, position: Position) -> bytes:
        """What is still held follows."""
        opened = self._find()
        reason = "trimmed" if self._after.epoch == position.epoch else "epoch"
        if reason == "epoch":  # by the numbers of the one before a removal might seem to be an earlier one
            self._joined_seq, self._visible_from = opened.membership.joined_seq, opened.membership.visible_from
        self._after = position
        told = {"epoch": position.epoch, "firstSeq": position.seq + 1, "lastSeq": opened.row.last_seq}
        return self._frame("resync", told | {"reason": reason})

    def ended(self, code: int) -> bytes:
        if code == CloseCode.TRY_AGAIN_LATER:
            return self._frame("unsubscribed", {"reason": "unavailable"})
        is_closed = self._outcome.is_closed if self._ended_by is None else self._ended_by is SystemEvent.CLOSED
        return self._frame("unsubscribed", {"reason": "closed" if is_closed else "removed"})

    @classmethod
    def close_code_for(cls, event: StoredEvent) -> int | None:
        json = event.to_json()
        if _SYSTEM not in json[:_HEAD_BYTES]:
            return None
        return CloseCode.UNKNOWN if event.body["event"] in _ENDS else None

    @classmethod
    def received_at(cls, event: StoredEvent) -> float | None:
        """Of envelopes; what the server itself tells is not timed."""
        found = _RECEIVED_AT.match(event.to_json())
        return None if found is None else datetime.fromisoformat(found[1].decode()).timestamp()

    @classmethod
    def note_delivery(cls, transport: str, seconds: float) -> None:
        _DELIVERY_SECONDS[transport].observe(seconds)

    def is_ended_by(self, event: StoredEvent) -> bool:
        told = event.body
        self._ended_by = SystemEvent(told["event"])
        is_out = self._ended_by is SystemEvent.CLOSED or told["data"]["memberId"] == self._known.member
        return is_out and event.seq > self._joined_seq

    def _find(self) -> OpenThread:
        with self._here.sessions() as session:
            return find_thread(session, self._thread_id, self._known.member)

    def _frame(self, type_: str, told: dict[str, Any]) -> bytes:
        return orjson.dumps({"type": type_, "threadId": self._thread_id, **told})


def _begin(opened: OpenThread, after: Position | None) -> Position:
    """Not before what the member may see; without a place where the thread ends now."""
    if after is None:
        return Position(opened.epoch, opened.row.last_seq)
    return Position(after.epoch or opened.epoch, max(after.seq, opened.membership.visible_from - 1))
