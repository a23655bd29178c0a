"""A project's live events as server-sent events: everybody in the project, the same events in the same order."""

from typing import ClassVar
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from core.names import PROJECT_PREFIX, project_subject
from services.interviews.membership import require_project
from streams import Position
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.api.interviews.monitoring import reports
from webapp.api.interviews.reading_right import ReadingAuthority, ReadingRight, reading_authority
from webapp.api.interviews.stream_counts import StreamCounts
from webapp.auth.members import MemberCaller, for_member
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.relay import messages, metrics
from webapp.relay.errors import TooManySocketsError
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import SseProfile, StreamSource, SubscribeRequest

blueprint = Blueprint("interviews_stream", __name__, url_prefix="/api/sse", description="Live events of a project")
READERS_OF_PROJECT, READERS_OF_ACCOUNT = 1000, 20
_RETRY_SECONDS = 2
# Of no epoch of ours: whoever sends what is no place is told to load the list. A 400 would end an EventSource for good.
_NOWHERE = Position("0", 0)


class ProjectSource(StreamSource):
    """Its frames are unnamed, so that a browser's `onmessage` gets them; pings have no number."""

    __slots__ = ("_authority", "_counts", "_project_id", "_right")

    sse: ClassVar[SseProfile] = SseProfile(
        retry_ms=5000, keep_alive=b'data: {"type":"ping"}\n\n', keep_alive_seconds=30, starts_with_id=True
    )

    def __init__(
        self, authority: ReadingAuthority, caller: MemberCaller, project_id: UUID, counts: StreamCounts
    ) -> None:
        self._authority = authority
        self._counts = counts
        self._project_id = project_id
        self._right = ReadingRight(caller.sid, caller.account_id, frozenset({project_id}))

    @property
    def subject(self) -> str:
        return project_subject(self._project_id)

    @property
    def max_readers(self) -> int:
        return READERS_OF_PROJECT

    @property
    def right(self) -> ReadingRight:
        return self._right

    @property
    def authority(self) -> ReadingAuthority:
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
    reports().begin()
    after = _asked_position()
    asked = SubscribeRequest(
        source=ProjectSource(reading_authority(), caller, project_id, reports().counts),
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
