"""Reading a thread over HTTP: its newest items, ranges of them, waiting for more, server-sent events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Response, current_app, request
from flask_smorest import Blueprint

from services.threads.audit_chain import AuditAction
from services.threads.reading import ItemPage, OpenThread, find_thread, note_reader, read_range, read_recent
from streams import Position
from webapp.api.documented import SECURITY_THREADS, fails
from webapp.api.threads import metrics
from webapp.api.threads.bounds import count_act
from webapp.api.threads.live.authority import AUTHORITY, ThreadAuthority
from webapp.api.threads.live.sources import ThreadSource
from webapp.api.threads.schemas.threads import RangeOutput, RangeQuery, RecentOutput, RecentQuery
from webapp.auth.thread_members import KnownMember, for_known
from webapp.current import parts, stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import count_use, countable_address
from webapp.relay.closing import CloseCode
from webapp.relay.errors import DrainingError, RightLostError, SubscriptionClosedError, TooManySocketsError
from webapp.relay.sse import HEADERS, parse_position
from webapp.relay.stream_source import SubscribeRequest

blueprint = Blueprint("threads_reading", __name__, url_prefix="/api/threads", description="Items of threads")
_RETRY_SECONDS = 2
_PLACE = {"after": ["12 또는 epoch:12처럼 보내 주세요."]}


@blueprint.get("/<string:thread_id>/recent")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.arguments(RecentQuery, location="query", error_status_code=400)
@blueprint.response(200, RecentOutput)
@fails(blueprint, 400, 401, 404, 429)
def show_recent(known: KnownMember, query: dict[str, Any], thread_id: str) -> Response:
    """The newest items below a number, in order."""
    count_act(known)
    with stores().threads(known.as_caller(), only_reads=True) as unit:
        page = read_recent(unit, thread_id, limit=query["limit"], before=query["beforeSeq"])
    metrics.ITEMS_READ.labels("recent").inc(len(page.items))
    first = page.items[0].seq if page.items else None
    return _answer(page, {"firstSeq": first, "hasMore": page.has_more})


@blueprint.get("/<string:thread_id>/range")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.arguments(RangeQuery, location="query", error_status_code=400)
@blueprint.response(200, RangeOutput)
@fails(blueprint, 400, 401, 404, 429)
def show_range(known: KnownMember, query: dict[str, Any], thread_id: str) -> Response:
    """Items once more, from a number on, as many as fit; with `after` those behind a place, waiting for `wait` seconds
    when there are none."""
    count_act(known)
    place = _read_place(query["after"])
    first = query["fromSeq"] or 1
    if place is not None:
        count_use(stores().settings.web.poll_limit, "poll", f"{thread_id}:{known.member}")
        opened = _open(known, thread_id)
        is_here = place.epoch in {"", opened.epoch}
        first = place.seq + 1 if is_here else 1
        if is_here and place.seq >= opened.row.last_seq and query["wait"]:
            _wait(known, opened, place, query["wait"])
    with stores().threads(known.as_caller(), only_reads=True) as unit:
        page = read_range(unit, thread_id, first=first, last=query["toSeq"])
    metrics.ITEMS_READ.labels("range").inc(len(page.items))
    return _answer(page, _trimmed(page))


@blueprint.get("/<string:thread_id>/events")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.response(200, {"type": "string"}, content_type="text/event-stream")
@fails(blueprint, 400, 401, 404, 429)
def follow(known: KnownMember, thread_id: str) -> Response:
    """The same items as server-sent events, resumed by `Last-Event-ID` or `after`; else what comes from now on."""
    count_act(known)
    place = _read_place(request.headers.get("Last-Event-ID") or request.args.get("after"))
    asked = _request_for(known, _open(known, thread_id), place)
    try:
        with _refusals_answered():
            parts_of_body = parts().relay.stream_sse(asked)
    except ApiError as exc:
        _note_follower(known, thread_id, exc.code)
        raise
    answer = Response(parts_of_body, headers=HEADERS)
    try:
        _note_follower(known, thread_id)  # before anything is told
    except BaseException:
        answer.close()
        raise
    return answer


def _note_follower(known: KnownMember, thread_id: str, result: str = "ok") -> None:
    with stores().threads(known.as_caller(), only_reads=True) as unit:
        note_reader(unit, thread_id, AuditAction.SUBSCRIBE, result)


def _open(known: KnownMember, thread_id: str) -> OpenThread:
    with stores().sessions() as session:
        return find_thread(session, thread_id, known.member)


def _wait(known: KnownMember, opened: OpenThread, place: Position, seconds: float) -> None:
    """Until something comes; what came is read anyway."""
    with _refusals_answered():
        parts().relay.poll(_request_for(known, opened, place), seconds)


def _request_for(known: KnownMember, opened: OpenThread, place: Position | None) -> SubscribeRequest:
    authority: ThreadAuthority = current_app.extensions[AUTHORITY]
    source = ThreadSource(stores(), authority, known, opened, place)
    return SubscribeRequest(source=source, after=source.after, address=countable_address(), person=known.member)


@contextmanager
def _refusals_answered() -> Iterator[None]:
    """Raises ApiError in the place of what refuses a reader."""
    try:
        yield
    except RightLostError as exc:
        raise ApiError(Code.UNAUTHORIZED if exc.code == CloseCode.NOT_AUTHENTICATED else Code.THREAD_NOT_FOUND) from exc
    except TooManySocketsError as exc:
        raise ApiError(Code.TOO_MANY_SOCKETS, retry_after_seconds=_RETRY_SECONDS) from exc
    except (DrainingError, SubscriptionClosedError) as exc:
        raise ApiError(Code.STORE_UNAVAILABLE, retry_after_seconds=_RETRY_SECONDS) from exc


def _read_place(text: str | None) -> Position | None:
    """Raises ApiError."""
    if text is None:
        return None
    try:
        return parse_position(text)
    except ValueError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details=_PLACE) from exc


def _trimmed(page: ItemPage) -> dict[str, Any]:
    if page.trimmed is None:
        return {}
    first, last = page.trimmed
    return {"missing": {"fromSeq": first, "toSeq": last, "reason": "trimmed"}}


def _answer(page: ItemPage, more: dict[str, Any]) -> Response:
    """The items byte for byte as every other way gives them."""
    body = {"success": True, "items": page.to_json(), "lastSeq": page.last_seq, "epoch": page.epoch, **more}
    return Response(orjson.dumps(body), mimetype="application/json")
