"""What a socket of threads is told and may command: to follow threads, to leave them, to acknowledge."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from core.logs import get_logger
from core.names import thread_subject
from services.stores import Stores
from services.threads.acting import AuditedAttempt
from services.threads.audit import AuditedCaller
from services.threads.audit_chain import AuditAction
from services.threads.encoding import is_thread_id
from services.threads.errors import MalformedField, ThreadsError
from services.threads.reading import OpenThread, acknowledge, find_thread, note_reader
from streams import Position, StreamsError
from webapp.api.threads.live.authority import ThreadAuthority, ThreadRight
from webapp.api.threads.live.sources import ThreadSource
from webapp.auth.thread_members import KnownMember
from webapp.error_codes import Code
from webapp.errors import STORES_DOWN, ApiError
from webapp.relay.errors import AlreadyFollowedError, RelayError, TooManySocketsError, TooManySubjectsError
from webapp.relay.sse import parse_position
from webapp.relay.stream_source import FollowedStreams, Message, MultiSubjectCommand, MultiSubjectSource

log = get_logger(__name__)
_MOST_AT_ONCE = 100
_ALREADY, _NOT_FOLLOWED, _TOO_MANY = "ALREADY_SUBSCRIBED", "NOT_SUBSCRIBED", "TOO_MANY_SUBSCRIPTIONS"
_TOO_MANY_READERS, _BUSY = "TOO_MANY_READERS", "TRY_AGAIN_LATER"


class ThreadSocketSource(MultiSubjectSource):
    """Of one member's socket."""

    __slots__ = ("_authority", "_caller", "_count_act", "_here", "_known")

    def __init__(
        self,
        here: Stores,
        authority: ThreadAuthority,
        known: KnownMember,
        caller: AuditedCaller,
        count_act: Callable[[], None],
    ) -> None:
        """`count_act` raises ApiError when this member has acted too often."""
        self._count_act = count_act
        self._here = here
        self._authority = authority
        self._known = known
        self._caller = caller

    @property
    def max_subjects(self) -> int:
        return self._here.settings.threads.subscriptions_max

    @property
    def right(self) -> ThreadRight:
        return ThreadRight(self._known)

    @property
    def authority(self) -> ThreadAuthority:
        return self._authority

    def is_concerned(self, notices: frozenset[str]) -> bool:
        return self._known.notice in notices

    def greeting(self) -> list[bytes]:
        return [orjson.dumps({"type": "connection_established", "memberId": self._known.member})]

    def subject_of(self, message: Message) -> Mapping[str, str]:
        thread_id = message.get("threadId")
        return {"threadId": thread_id} if isinstance(thread_id, str) and is_thread_id(thread_id) else {}

    def command(self, name: str) -> MultiSubjectCommand | None:
        commands = {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "ack": self._acknowledge}
        return commands.get(name)

    def _subscribe(self, message: Message, followed: FollowedStreams) -> Sequence[bytes]:
        """To one thread, or to several at once; each is answered for itself."""
        wanted = message.get("threads", [message])
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST_AT_ONCE:
            return [_error(Code.VALIDATION_FAILED, None)]
        answers: list[bytes] = []
        for one in wanted:
            answers += self._answered(one, partial(self._follow, followed, one))
        return answers

    def _follow(self, followed: FollowedStreams, asked: Mapping[str, Any], thread_id: str) -> list[bytes]:
        after = _read_place(asked.get("after"))
        with self._here.sessions() as session:
            opened = find_thread(session, thread_id, self._known.member)
        on_admitted = partial(self._note, thread_id, AuditAction.SUBSCRIBE)
        source = _AuditedSource(self._here, self._authority, self._known, opened, after, on_admitted)
        try:
            followed.follow(source, source.after)
        except RelayError as exc:
            self._note(thread_id, AuditAction.SUBSCRIBE, _code_of(exc))
            raise
        return []

    def _note(self, thread_id: str, action: AuditAction, result: str = "ok") -> None:
        with self._here.threads(self._caller, only_reads=True) as unit:
            note_reader(unit, thread_id, action, result)

    def _unsubscribe(self, message: Message, followed: FollowedStreams) -> Sequence[bytes]:
        def leave(thread_id: str) -> list[bytes]:
            if not followed.unfollow(thread_subject(thread_id)):
                return [_error(_NOT_FOLLOWED, thread_id)]
            self._note(thread_id, AuditAction.UNSUBSCRIBE)
            return [_frame("unsubscribed", thread_id, {"reason": "asked"})]

        return self._answered(message, leave)

    def _acknowledge(self, message: Message, _followed: FollowedStreams) -> Sequence[bytes]:
        def take(thread_id: str) -> list[bytes]:
            seq = message.get("seq")
            if type(seq) is not int or seq < 0:
                raise MalformedField("seq")
            with self._here.threads(self._caller, attempt=AuditedAttempt(AuditAction.ACK, thread_id)) as unit:
                return [_frame("acked", thread_id, {"ackedSeq": acknowledge(unit, thread_id, seq)})]

        return self._answered(message, take)

    def _answered(self, asked: Any, act: Callable[[str], list[bytes]]) -> list[bytes]:
        """What refuses is told, and the socket stays. Whether the login still holds is asked anew: a lost message must
        not let anybody act."""
        thread_id = asked.get("threadId") if isinstance(asked, dict) else None
        if not isinstance(thread_id, str) or not is_thread_id(thread_id):
            return [_error(Code.THREAD_NOT_FOUND, None)]
        try:
            if self._authority.review([self.right]) != [None]:
                return [_error(Code.UNAUTHORIZED, thread_id)]
            self._count_act()
            return act(thread_id)
        except (ApiError, ThreadsError) as exc:
            return [_error(exc.code, thread_id)]
        except (RelayError, StreamsError, *STORES_DOWN) as exc:
            log.info("thread_command_refused", error=type(exc).__name__)
            return [_error(_code_of(exc), thread_id)]


class _AuditedSource(ThreadSource):
    """Audited when the relay has admitted its reader, and before anything is told."""

    __slots__ = ("_on_admitted",)

    def __init__(
        self,
        here: Stores,
        authority: ThreadAuthority,
        known: KnownMember,
        opened: OpenThread,
        after: Position | None,
        on_admitted: Callable[[], None],
    ) -> None:
        super().__init__(here, authority, known, opened, after)
        self._on_admitted = on_admitted

    def greeting(self, end: Position) -> list[bytes]:
        self._on_admitted()
        return super().greeting(end)


def _code_of(exc: Exception) -> str:
    codes: Mapping[type[Exception], str] = {
        AlreadyFollowedError: _ALREADY,
        TooManySubjectsError: _TOO_MANY,
        TooManySocketsError: _TOO_MANY_READERS,
    }
    return codes.get(type(exc), _BUSY)


def _read_place(text: object) -> Position | None:
    """Raises MalformedField."""
    if text is None:
        return None
    try:
        return parse_position(str(text))
    except ValueError as exc:
        raise MalformedField("after") from exc


def _error(code: str, thread_id: str | None) -> bytes:
    told = {"type": "error", "code": str(code)}
    return orjson.dumps(told if thread_id is None else told | {"threadId": thread_id})


def _frame(type_: str, thread_id: str, told: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"type": type_, "threadId": thread_id, **told})
