"""Decides for many readers of the journey at once whether they may go on: their logins, and the keys of displays."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models.accounts import Scope
from services.accounts.logins import find_held
from services.journey.hospital import find_open_displays
from services.stores import Stores
from webapp.relay.closing import CloseCode


@dataclass(frozen=True, slots=True)
class LoginRight:
    """Of whoever came with a login."""

    sid: UUID


@dataclass(frozen=True, slots=True)
class DisplayRight:
    """Of a screen that came with its key."""

    display_id: str
    key_hash: str


JourneyRight = LoginRight | DisplayRight


class JourneyAuthority:
    """The authority of all the journey's sources of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[JourneyRight]) -> list[int | None]:
        """An access token that merely ended takes nothing away: the reader belongs to the login."""
        sids = {right.sid for right in rights if isinstance(right, LoginRight)}
        display_ids = {right.display_id for right in rights if isinstance(right, DisplayRight)}
        with self._here.sessions() as session:
            held = find_held(session, sids, Scope.JOURNEY) if sids else set()
            keys = find_open_displays(session, display_ids) if display_ids else {}
        return [None if _holds(right, held, keys) else CloseCode.NOT_AUTHENTICATED for right in rights]


def _holds(right: JourneyRight, held: set[UUID], keys: dict[str, str]) -> bool:
    if isinstance(right, LoginRight):
        return right.sid in held
    return keys.get(right.display_id) == right.key_hash
