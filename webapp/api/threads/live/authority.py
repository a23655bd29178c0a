"""Decides for many readers of threads at once whether they may go on: their logins, and their memberships."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts import Scope
from services.accounts.logins import find_held
from services.patients.visits import find_held_rows
from services.stores import Stores
from services.threads.reading import find_memberships
from webapp.auth.thread_members import KnownMember
from webapp.relay.closing import CloseCode

# Where an app keeps its one.
AUTHORITY = "threads_authority"


@dataclass(frozen=True, slots=True)
class ThreadRight:
    """Of somebody who is known, and in this thread; of a socket as a whole without one."""

    known: KnownMember
    thread_id: str | None = None


class ThreadAuthority:
    """The authority of all threads' readers of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[ThreadRight]) -> list[int | None]:
        """A patient's reader ends with the login that opened it, a member of staff's with its revocation."""
        with self._here.sessions() as session:
            held = _held_logins(session, {right.known for right in rights})
            pairs = {(right.thread_id, right.known.member) for right in rights if right.thread_id is not None}
            members = find_memberships(session, pairs) if pairs else set()
        return [_code_for(right, held, members) for right in rights]


def _held_logins(session: Session, known: Collection[KnownMember]) -> set[UUID]:
    sids = {one.login_sid for one in known if one.login_sid is not None}
    rows = {one.patient_session for one in known if one.patient_session is not None}
    staff = find_held(session, sids, Scope.JOURNEY) if sids else set()
    return staff | (find_held_rows(session, rows) if rows else set())


def _code_for(right: ThreadRight, held: set[UUID], members: set[tuple[str, str]]) -> int | None:
    if not {right.known.login_sid, right.known.patient_session} & held:
        return CloseCode.NOT_AUTHENTICATED
    is_in = right.thread_id is None or (right.thread_id, right.known.member) in members
    return None if is_in else CloseCode.UNKNOWN
