"""Why the journey refuses. Each error carries the code of the one table of codes, and the facts that go with it.

Errors: JourneyError (not retryable)
    PayloadInvalid, UnknownAction, InvalidAction, ForbiddenPerson, ForbiddenAction
    PersonNotFound, EntryNotFound, NotificationNotFound, TagNotFound, ExamNotFound
    StateConflict, AlreadyQueued, QueueEmpty, RecallTooSoon, RoomTaken, NoShift, TagSwitchedOff
    ReadingReplayed
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from models.journey import JourneyState

_CHECK_AGAIN = "다시 확인해 주세요."


class JourneyError(Exception):
    """Nothing was written. `details` go to the caller as they are: none of them names a person."""

    retryable = False
    code: ClassVar[str]
    # Whether `details` say where somebody is: to staff, that is a look at them.
    tells_of_person: ClassVar[bool] = False

    def __init__(self, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.code)
        self.details = details


class PayloadInvalid(JourneyError):
    """`details` names each field with what to do."""

    code = "VALIDATION_FAILED"

    def __init__(self, *fields: str) -> None:
        super().__init__({field: [_CHECK_AGAIN] for field in fields})


class UnknownAction(JourneyError):
    code = "UNKNOWN_ACTION"


class InvalidAction(JourneyError):
    """Not in this state."""

    code = "INVALID_ACTION"
    tells_of_person = True

    def __init__(self, state: JourneyState, available: Iterable[str]) -> None:
        super().__init__({"journey_state": str(state), "available_actions": [str(action) for action in available]})


class ForbiddenPerson(JourneyError):
    """A patient asks for another one."""

    code = "FORBIDDEN"


class ForbiddenAction(JourneyError):
    """The action is not this role's, in whatever state."""

    code = "FORBIDDEN_ACTION"


class PersonNotFound(JourneyError):
    code = "PATIENT_NOT_FOUND"


class EntryNotFound(JourneyError):
    """Unknown, not theirs, or not active any more: they look alike."""

    code = "QUEUE_NOT_FOUND"


class NotificationNotFound(JourneyError):
    """Unknown, or not theirs."""

    code = "NOT_FOUND"


class TagNotFound(JourneyError):
    code = "TAG_NOT_FOUND"
    tag_id = None


class TagSwitchedOff(JourneyError):
    """`tag_id` is for our own log."""

    code = "TAG_INACTIVE"

    def __init__(self, tag_id: str | None) -> None:
        super().__init__()
        self.tag_id = tag_id


class ReadingReplayed(JourneyError):
    """A dynamic tag's reading that was taken before. `tag_id` is for our own log."""

    code = "TAG_REPLAYED"

    def __init__(self, tag_id: str | None) -> None:
        super().__init__()
        self.tag_id = tag_id


class ExamNotFound(JourneyError):
    """No such exam, or no such appointment of this person."""

    code = "EXAM_NOT_FOUND"


class StateConflict(JourneyError):
    """The state is another by now. `details` say which."""

    code = "STATE_CONFLICT"
    tells_of_person = True


class AlreadyQueued(JourneyError):
    """`details.queue` is the entry."""

    code = "ALREADY_QUEUED"
    tells_of_person = True


class QueueEmpty(JourneyError):
    code = "QUEUE_EMPTY"


class RecallTooSoon(JourneyError):
    code = "RECALL_TOO_SOON"


class RoomTaken(JourneyError):
    code = "ROOM_TAKEN"


class NoShift(JourneyError):
    code = "NO_SHIFT"
