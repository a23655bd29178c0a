"""An action that may be done: whose journey, who acts, with which payload, and where the table leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.journey import JourneyAction, JourneyRole, QueueEntry
from models.journey.states import ENTRY_STATE_FOR, Transition, trigger_of
from services.journey.actors import JourneyActor
from services.journey.change import JourneyChange
from services.journey.conflicts import entry_conflict
from services.journey.errors import EntryNotFound, PayloadInvalid

_TEXT_MAX = 200


@dataclass(frozen=True)
class ActionContext:
    """`transition` is the table's row; None for a computed action, which finds its own step."""

    change: JourneyChange
    action: JourneyAction
    payload: Mapping[str, Any]
    actor: JourneyActor
    transition: Transition | None

    def move(self, **details: Any) -> None:
        """The step of the table."""
        if self.transition is not None:
            role = JourneyRole.STAFF if self.actor.is_staff else JourneyRole.PATIENT
            self.change.move(self.transition.target, trigger_of(self.action, role), **details)

    def find_entry(self) -> QueueEntry:
        """The one that the payload names, else the one that decides among those in the right state.

        Raises EntryNotFound, StateConflict when it is not in the state that the action expects.
        """
        expected = ENTRY_STATE_FOR[self.action]
        locked = self.change.locked
        if self.payload.get("queue_id") is not None:
            entry = locked.find_active(read_queue_id(self.payload))
        else:
            fitting = [entry for state in expected for entry in locked.active if entry.state == state]
            entry = fitting[0] if fitting else _require(locked.decisive)
        if entry.state not in expected:
            raise entry_conflict(self.change.journey.session, entry)
        return entry


def _require(entry: QueueEntry | None) -> QueueEntry:
    if entry is None:
        raise EntryNotFound
    return entry


def read_queue_id(payload: Mapping[str, Any]) -> UUID:
    """What is no id at all is answered like one that is unknown. Raises EntryNotFound."""
    try:
        return UUID(payload["queue_id"])
    except (ValueError, TypeError, AttributeError):
        raise EntryNotFound from None


def read_text(payload: Mapping[str, Any], name: str) -> str:
    """Raises PayloadInvalid for what is missing, no text, or longer than anybody reads."""
    value = payload.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _TEXT_MAX or "\0" in value:
        raise PayloadInvalid(f"payload.{name}")
    return value


def read_name(payload: Mapping[str, Any], name: str) -> str | None:
    """Of something that may be left out. Raises PayloadInvalid."""
    return None if payload.get(name) is None else read_text(payload, name)


def read_uuid(payload: Mapping[str, Any], name: str) -> UUID | None:
    """Of something that may be left out. Raises PayloadInvalid for what is no id."""
    value = payload.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise PayloadInvalid(f"payload.{name}") from None
