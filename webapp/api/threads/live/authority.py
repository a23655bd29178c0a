"""Decides for many readers of threads at once whether they may go on: their logins, and their memberships."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts import Scope
from services.accounts.logins import find_held
from services.patient_sessions import find_held as find_held_sessions
from services.patient_sessions import renew_watched
from services.stores import Stores
from services.threads.reading import EndedMembership, find_endings, find_memberships
from webapp.auth.thread_members import KnownMember
from webapp.relay.closing import CloseCode

# Where an app keeps its one.
AUTHORITY = "threads_authority"
# Nothing comes after the item that tells of an end, so a reader may go on to it: what Redis lacks the sweep brings, and
# a reader who is behind comes to it page by page.
_ITEM_COMES_WITHIN = timedelta(minutes=1)


@dataclass(slots=True)
class ReviewOutcome:
    """What a review has found out of one reader."""

    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class ThreadRight:
    """Of somebody who is known, and in this thread; of a socket as a whole without one. A review tells `outcome` with
    the code by which the right ends."""

    known: KnownMember
    thread_id: str | None = None
    outcome: ReviewOutcome = field(default_factory=ReviewOutcome, compare=False)


class ThreadAuthority:
    """The authority of all threads' readers of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[ThreadRight]) -> list[int | None]:
        """A patient's reader ends with the session that opened it, which is used by this and so renewed; a member of
        staff's with its revocation."""
        known = {right.known for right in rights}
        with self._here.sessions() as session:
            opened = _held_sessions(session, known)
            held = _held_logins(session, known) | opened.keys()
            pairs = {(right.thread_id, right.known.member) for right in rights if right.thread_id is not None}
            members = find_memberships(session, pairs) if pairs else set()
            out = pairs - members
            endings = find_endings(session, out) if out else {}
        self._renew([str(session_id) for session_id in opened.values() if session_id is not None])
        now = self._here.clock.now()
        return [
            _code_for(right, held) or (_end_of(right, endings, now) if _pair_of(right) in out else None)
            for right in rights
        ]

    def _renew(self, session_ids: Collection[str]) -> None:
        if session_ids:
            with self._here.unit_of_work() as work:
                renew_watched(work, session_ids, self._here.session_lifetime, self._here.clock.now())


def _held_logins(session: Session, known: Collection[KnownMember]) -> set[UUID]:
    sids = {one.login_sid for one in known if one.login_sid is not None}
    return find_held(session, sids, Scope.JOURNEY) if sids else set()


def _held_sessions(session: Session, known: Collection[KnownMember]) -> Mapping[UUID, UUID | None]:
    rows = {one.patient_session for one in known if one.patient_session is not None}
    return find_held_sessions(session, rows) if rows else {}


def _code_for(right: ThreadRight, held: set[UUID]) -> int | None:
    is_held = {right.known.login_sid, right.known.patient_session} & held
    return None if is_held else CloseCode.NOT_AUTHENTICATED


def _pair_of(right: ThreadRight) -> tuple[str | None, str]:
    return right.thread_id, right.known.member


def _end_of(right: ThreadRight, endings: Mapping[tuple[str, str], EndedMembership], now: datetime) -> int | None:
    """Of one who is in no more."""
    ending = endings.get((right.thread_id or "", right.known.member))
    right.outcome.is_closed = ending is not None and ending.is_closed
    is_item_to_come = ending is not None and now - ending.at < _ITEM_COMES_WITHIN
    return None if is_item_to_come else CloseCode.UNKNOWN
