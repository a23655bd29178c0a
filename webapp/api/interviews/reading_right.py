"""Who may go on reading what projects tell: a project's stream, or the answer of a chat that draws on several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from flask import Flask, current_app

from models.accounts import Scope
from services.accounts.logins import find_held
from services.interviews.membership import find_members
from services.stores import Stores
from webapp.current import parts
from webapp.relay.closing import CloseCode

_AUTHORITY = "interviews_authority"


@dataclass(frozen=True, slots=True)
class ReadingRight:
    """Of a login's holder, while they are in all of these projects."""

    sid: UUID
    account_id: UUID
    project_ids: frozenset[UUID]


class ReadingAuthority:
    """The authority of all readers of the interviews in a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[ReadingRight]) -> list[int | None]:
        """An access token that merely ended takes nothing away: the reader belongs to the login."""
        with self._here.sessions() as session:
            held = find_held(session, {right.sid for right in rights}, Scope.INTERVIEWS)
            projects = {project_id for right in rights for project_id in right.project_ids}
            members = find_members(session, projects, {right.account_id for right in rights})
        return [_code_for(right, held, members) for right in rights]


def _code_for(right: ReadingRight, held: set[UUID], members: set[tuple[UUID, UUID]]) -> int | None:
    if right.sid not in held:
        return CloseCode.NOT_AUTHENTICATED
    is_in_all = all((project_id, right.account_id) in members for project_id in right.project_ids)
    return None if is_in_all else CloseCode.UNKNOWN


def keep_authority(app: Flask) -> None:
    """One for the process: the relay asks it about all readers together."""
    app.extensions[_AUTHORITY] = ReadingAuthority(parts(app).stores)


def reading_authority() -> ReadingAuthority:
    return cast(ReadingAuthority, current_app.extensions[_AUTHORITY])
