"""A project's live events as server-sent events: everybody in the project, the same events in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast
from uuid import UUID

from flask import Flask, Response, current_app, request
from flask_smorest import Blueprint

from core.names import PROJECT_PREFIX, project_subject
from models.accounts import Scope
from services.accounts.logins import find_held
from services.interviews.membership import find_members, require_project
from services.stores import Stores
from streams import Position
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.monitoring import reports
from webapp.api.interviews.stream_counts import StreamCounts
from webapp.auth.members import MemberCaller, for_member
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.relay import messages, metrics
from webapp.relay.closing import CloseCode
from webapp.relay.errors import DrainingError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import SseProfile, StreamSource, SubscribeRequest

blueprint = Blueprint("interviews_stream", __name__, url_prefix="/api/sse", description="Live events of a project")
READERS_OF_PROJECT, READERS_OF_ACCOUNT = 1000, 20
_RETRY_SECONDS = 2
_AUTHORITY = "interviews_authority"
# Of no epoch of ours: whoever sends what is no place is told to load the list. A 400 would end an EventSource for good.
_NOWHERE = Position("0", 0)


@dataclass(frozen=True, slots=True)
class ProjectRight:
    """Of a login's holder, while they are in the project."""

    sid: UUID
    account_id: UUID
    project_id: UUID


class ProjectAuthority:
    """The authority of all projects' readers of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[ProjectRight]) -> list[int | None]:
        """An access token that merely ended takes nothing away: the reader belongs to the login."""
        with self._here.sessions() as session:
            held = find_held(session, {right.sid for right in rights}, Scope.INTERVIEWS)
            projects, accounts = {right.project_id for right in rights}, {right.account_id for right in rights}
            members = find_members(session, projects, accounts)
        return [_code_for(right, held, members) for right in rights]


def _code_for(right: ProjectRight, held: set[UUID], members: set[tuple[UUID, UUID]]) -> int | None:
    if right.sid not in held:
        return CloseCode.NOT_AUTHENTICATED
    return None if (right.project_id, right.account_id) in members else CloseCode.UNKNOWN


class ProjectSource(StreamSource):
    """Its frames are unnamed, so that a browser's `onmessage` gets them; pings have no number."""

    __slots__ = ("_authority", "_counts", "_right")

    sse: ClassVar[SseProfile] = SseProfile(
        retry_ms=5000, keep_alive=b'data: {"type":"ping"}\n\n', keep_alive_seconds=30, starts_with_id=True
    )

    def __init__(self, authority: ProjectAuthority, right: ProjectRight, counts: StreamCounts) -> None:
        self._authority = authority
        self._counts = counts
        self._right = right

    @property
    def subject(self) -> str:
        return project_subject(self._right.project_id)

    @property
    def max_readers(self) -> int:
        return READERS_OF_PROJECT

    @property
    def right(self) -> ProjectRight:
        return self._right

    @property
    def authority(self) -> ProjectAuthority:
        return self._authority

    def resync(self, position: Position) -> bytes:
        """Never the list: it would not fit."""
        return messages.at_position("resync", {"data": {"reload": True}}, position)

    def note_handed_over(self, delay_seconds: float | None) -> None:
        self._counts.note_sent(delay_seconds)

    def is_concerned(self, notices: frozenset[str]) -> bool:
        return f"sid:{self._right.sid}" in notices or super().is_concerned(notices)


@blueprint.get("/projects/<uuid:project_id>")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@fails(blueprint, 401, 404, 429)
def project_events(caller: MemberCaller, project_id: UUID) -> Response:
    """After `Last-Event-ID` or `after_seq`, else what comes from now on."""
    with stores().member_work(caller.account_id) as member:
        require_project(member, project_id)
    right = ProjectRight(caller.sid, caller.account_id, project_id)
    reports().begin()
    after = _asked_position()
    asked = SubscribeRequest(
        source=ProjectSource(cast(ProjectAuthority, current_app.extensions[_AUTHORITY]), right, reports().counts),
        after=after,
        # A company shares one; its people are counted by their accounts.
        address=None,
        person=f"account:{caller.account_id}",
        person_max=READERS_OF_ACCOUNT,
    )
    try:
        body = parts().relay.stream_sse(asked)
    except TooManySocketsError as exc:
        raise ApiError(Code.TOO_MANY_SOCKETS, retry_after_seconds=_RETRY_SECONDS) from exc
    except (DrainingError, SubscriptionClosedError) as exc:
        raise ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_RETRY_SECONDS) from exc
    if after is not None:
        metrics.RECONNECTS.labels(PROJECT_PREFIX).inc()
        reports().counts.note_reconnect()
    return Response(body, headers=HEADERS)


def _asked_position() -> Position | None:
    """`Last-Event-ID` wins: an EventSource that comes back repeats its first address."""
    text = request.headers.get("Last-Event-ID") or request.args.get("after_seq")
    if text is None:
        return None
    try:
        at = parse_position(text)
    except ValueError:
        return _NOWHERE
    return at if at.epoch else _NOWHERE  # a number alone may be of another life of the numbers


def keep_authority(app: Flask) -> None:
    """One for the process: the relay asks it about all readers together."""
    app.extensions[_AUTHORITY] = ProjectAuthority(parts(app).stores)
