"""What the relay is told about a stream by whoever serves it; the relay itself knows nothing of sessions."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from streams import Position, StoredEvent
from webapp.relay import messages
from webapp.relay.closing import reason_of

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SseProfile:
    """How a source's server-sent events look; `keep_alive_seconds` None is the setting of the relay.

    starts_with_id   a first block with nothing but the position, which a browser repeats when it comes back
    """

    retry_ms: int = 3000
    keep_alive: bytes = b": alive\n\n"
    keep_alive_seconds: float | None = None
    starts_with_id: bool = False


class Authority(Protocol):
    """Decides who may read, for all sources of a kind. Shared, so that many are decided with one query."""

    def review(self, rights: Sequence[Any]) -> Sequence[int | None]:
        """Of each right None while it holds, else a close code. Blocks; raises when nobody can say now."""


class StreamSource:
    """One stream for one reader. Its methods outlive the request: they find no request and no app context.

    There is one for each reader, so subclasses have slots and keep little. Methods that say so are called off the
    loop and may block; the others must not.
    """

    __slots__ = ()

    sse: ClassVar[SseProfile] = SseProfile()

    @property
    def subject(self) -> str:
        raise NotImplementedError

    @property
    def max_readers(self) -> int:
        """Of the subject, over all processes; 4429 beyond."""
        raise NotImplementedError

    @property
    def restart_after(self) -> int | None:
        """Of a reader whose position is gone. None: it goes on at the end, with the current state. A number: with
        whatever is still held after it."""
        return None

    @property
    def right(self) -> Hashable:
        """What the authority is asked about, again and again."""
        return None

    @property
    def authority(self) -> Authority | None:
        """None where everybody may read for ever."""
        return None

    def greeting(self, end: Position) -> list[bytes]:
        """The JSON frames that a socket gets first; `end` is where the stream stands. May block and raise (1013)."""
        del end
        return []

    def resync(self, position: Position) -> bytes:
        """The JSON frame for a reader who starts anew from `position`. May block and raise (1013)."""
        raise NotImplementedError

    def note_handed_over(self, delay_seconds: float | None) -> None:
        """An event was given to the server to be written as a server-sent one; `delay_seconds` since its append, None
        for one that was read from the history."""

    @classmethod
    def close_code_for(cls, event: StoredEvent) -> int | None:
        """With a code the event is the last of each reader that `is_ended_by` it. Of the class, since it is asked once
        for all readers."""
        del event
        return None

    @classmethod
    def received_at(cls, event: StoredEvent) -> float | None:
        """When the server received what the event tells, in seconds of Unix time by the clock that all hosts go by;
        None where nobody wants to know how long it took from then on. Of the class, since it is asked once for all."""
        del event
        return None

    @classmethod
    def note_delivery(cls, transport: str, seconds: float) -> None:
        """A live event with a `received_at` was handed over so long after it, to the last of the sockets that it waited
        for, or to one reader of server-sent events."""

    def is_ended_by(self, event: StoredEvent) -> bool:
        """Asked of each reader only for events with a close code."""
        del event
        return True

    def linger_seconds(self, code: int) -> float:
        """How long a reader stays after the event that ends it with this code."""
        del code
        return 0

    def command(self, name: str) -> "Command | None":
        """What to do with a client's frame whose `type`, or else `command`, is `name`; None: it is unknown here."""
        del name
        return None

    def ended(self, code: int) -> bytes:
        """The JSON frame that ends this subscription where its socket follows others too."""
        return messages.subscription_ended(self.subject, code, reason_of(code))

    def is_concerned(self, notices: frozenset[str]) -> bool:
        """Whether one of these names of the control channel asks to look at this reader's right at once."""
        return f"subject:{self.subject}" in notices


class FollowedStreams(Protocol):
    """What the commands of a socket that follows several streams may do. Blocks; call it from a command only."""

    @property
    def subjects(self) -> Sequence[str]: ...

    def follow(self, source: StreamSource, after: Position | None) -> None:
        """The source's greeting, what came before, then what comes. None: from the end on.

        Raises AlreadyFollowedError, TooManySubjectsError, TooManySocketsError, SlowReaderError and StreamsError, and
        whatever the greeting raises.
        """

    def unfollow(self, subject: str) -> bool:
        """False when it was not followed."""


class MultiSubjectSource:
    """What a socket that follows several streams is told by whoever serves it; methods as those of StreamSource.

    Its client subscribes and unsubscribes by commands. The right is that of the socket as a whole: when it is lost the
    socket is closed, while a stream's own lost right ends that stream alone.
    """

    __slots__ = ()

    @property
    def max_subjects(self) -> int:
        return 64

    @property
    def right(self) -> Hashable:
        return None

    @property
    def authority(self) -> Authority | None:
        return None

    def greeting(self) -> list[bytes]:
        return []

    def subject_of(self, message: Message) -> Mapping[str, str]:
        """The fields of a command that say what it is about: an answer that refuses it unread has them too."""
        del message
        return {}

    def command(self, name: str) -> "MultiSubjectCommand | None":
        raise NotImplementedError

    def is_concerned(self, notices: frozenset[str]) -> bool:
        del notices
        return False


# A command runs off the loop, after the one before it, and may block; what it returns are JSON frames to its socket.
# It is given the client's frame and where the stream stands. One that raises is answered with `error`.
Command = Callable[[Message, Position], Sequence[bytes]]
# The same of a socket that follows several streams, and may follow others by it.
MultiSubjectCommand = Callable[[Message, FollowedStreams], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeRequest:
    """A reader who may read: which source, from which position on, and whose slots are taken in the registry.

    after       None: from the end on
    address     None: of a network that many share, so it is not counted
    person_max  how many of one person there may be, where the setting allows more
    """

    source: StreamSource
    after: Position | None
    address: str | None
    person: str | None = None
    person_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiSubjectRequest:
    """A socket that may follow several streams, and whose slots it takes."""

    source: MultiSubjectSource
    address: str | None
    person: str | None = None
