"""Tells a person's browsers what they were notified of, while it is recent, unread and still so: an open call first. At
least once until the push service has taken it; what it makes of it nobody hears."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from threading import BoundedSemaphore
from uuid import UUID

import httpx
from http_ece import ECEException
from sqlalchemy import ColumnElement, Select, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from core.allowed_hosts import AllowedHosts
from core.clock import Clock
from core.logs import get_logger
from core.sealing import SealError
from models.accounts import Login
from models.journey import CALL_KINDS, Notification, QueueEntry, QueueState, WebPushSubscription
from services.delivery.unit_of_work import UnitOfWork
from services.journey.patient_logins import REFRESH_LIFE
from services.journey.web_push.messages import PushKey, make_message
from services.journey.web_push.subscriptions import PushTarget, WebPushSubscriptions
from upstream.http.exchange import (
    AddressNotAllowed,
    ExchangeError,
    ExchangeLimits,
    HttpResponse,
    ResponseTooLarge,
    send,
)
from upstream.http.retry_after import read_retry_after

log = get_logger(__name__)

# A worker that stops lets its tasks end, and needs half of its ten seconds for all else that it does.
_LIMITS = ExchangeLimits(total_seconds=4, max_response_bytes=64 * 1024)
# Of a worker's hundred threads, which also make the calls that are paid for: a push service that hangs holds no more.
_MOST_AT_ONCE = 8
# Later the call has long been repeated, or has become a no-show.
_TOLD_WITHIN = timedelta(minutes=10)
_CLAIM = timedelta(seconds=60)
_PAUSE = timedelta(seconds=30)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class _PushOutcome(StrEnum):
    """What the push service made of a message: it took it; it will never take one for this browser; not now; not this
    one, or none of ours."""

    TAKEN = "taken"
    GONE = "gone"
    BUSY = "busy"
    REFUSED = "refused"


_LEVELS = {
    _PushOutcome.TAKEN: logging.INFO,
    _PushOutcome.GONE: logging.INFO,
    _PushOutcome.BUSY: logging.WARNING,
    _PushOutcome.REFUSED: logging.WARNING,  # a browser may have subscribed with what its push service does not know
}


@dataclass(frozen=True)
class _Attempt:
    """`result`: the HTTP status, or the word for what kept it from coming. `host`: the pattern of the list; None where
    nothing was sent. `pause`: for how long a push service that is busy is left in peace."""

    outcome: _PushOutcome
    result: str
    host: str | None = None
    pause: timedelta = _PAUSE


@dataclass(frozen=True)
class WebPushSender:
    """One for each process. `contact`: see `messages.contact_of`."""

    unit_of_work: UnitOfWork
    http: httpx.Client
    subscriptions: WebPushSubscriptions
    hosts: AllowedHosts
    key: PushKey
    contact: str | None
    clock: Clock
    _slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_MOST_AT_ONCE))

    def tell(self, user_id: UUID, keeps_on: Callable[[], bool] = lambda: True) -> None:
        """One browser after the other, until none is left that can be told now. Nothing where the process tells as many
        as it may: they are left to the sweep."""
        if not self._slots.acquire(blocking=False):
            return
        try:
            while keeps_on() and self._tell_one(user_id):
                pass
        finally:
            self._slots.release()

    def _tell_one(self, user_id: UUID) -> bool:
        """Whether there was one to tell."""
        with self.unit_of_work() as work:
            claimed = _claim(work.session, user_id, self.subscriptions.key_id, self.clock.now())
        if claimed is None:
            return False
        attempt = self._send(claimed)
        with self.unit_of_work() as work:
            _note(work.session, claimed, attempt, self.clock.now())
        told = {"outcome": attempt.outcome, "result": attempt.result, "host": attempt.host}
        log.log(_LEVELS[attempt.outcome], "web_push_attempted", **told)
        return True

    def _send(self, claimed: "_Claimed") -> _Attempt:
        try:
            target = self.subscriptions.open(claimed.row)
        except SealError as exc:  # another process may have the key
            return _Attempt(_PushOutcome.BUSY if exc.retryable else _PushOutcome.REFUSED, "unreadable")
        host = self.hosts.find(target.endpoint)
        if host is None:
            return _Attempt(_PushOutcome.GONE, "host_not_listed")
        try:
            return _judge(self._post(target, claimed.notification), host)
        except ResponseTooLarge as exc:  # what it says beside its status nobody reads
            return _judge(exc.part, host) if exc.part else _Attempt(_PushOutcome.REFUSED, exc.reason, host)
        except ExchangeError as exc:
            may_come = exc.retryable and not isinstance(exc, AddressNotAllowed)
            return _Attempt(_PushOutcome.BUSY if may_come else _PushOutcome.REFUSED, exc.reason, host)
        except (ECEException, httpx.InvalidURL, ValueError):  # one browser's fault must not keep the others waiting
            return _Attempt(_PushOutcome.REFUSED, "malformed", host)

    def _post(self, target: PushTarget, notification: Notification) -> HttpResponse:
        now = self.clock.now()
        ttl = notification.created_at + _TOLD_WITHIN - now
        message = make_message(self.key, target, notification, self.contact, now, ttl)
        request = self.http.build_request("POST", target.endpoint, headers=message.headers, content=message.body)
        return send(self.http, request, _LIMITS)


@dataclass(frozen=True)
class _Claimed:
    """Rows of a transaction that has ended. Until `until` nobody else tells this browser."""

    row: WebPushSubscription
    notification: Notification
    until: datetime


def list_due(session: Session, key_id: str, now: datetime, limit: int) -> Sequence[UUID]:
    """People of whom a browser has not been told all, and nobody is at it; who waits for the longest first."""
    still_so = _still_so(now).with_only_columns(Notification.id)
    untold = still_so.where(
        Notification.user_id == WebPushSubscription.user_id, Notification.id > WebPushSubscription.told_id
    )
    query = (
        select(WebPushSubscription.user_id)
        .join(Login, Login.sid == WebPushSubscription.sid)
        .where(_may_be_told(key_id, now), untold.exists())
        .group_by(WebPushSubscription.user_id)
        .order_by(func.min(WebPushSubscription.claimed_until).nulls_first())
        .limit(limit)
    )
    return session.scalars(query).all()


def forget_ended(session: Session) -> None:
    """Subscriptions of logins that were taken back."""
    ended = select(Login.sid).where(Login.sid == WebPushSubscription.sid, Login.revoked_at.is_not(None))
    session.execute(delete(WebPushSubscription).where(ended.exists()))


def _still_so(now: datetime) -> Select[Notification]:
    """What is unread and recent, without calls that are over: their person is inside by now, or back in the line."""
    return (
        select(Notification)
        .outerjoin(QueueEntry, QueueEntry.queue_id == Notification.queue_id)
        .where(
            Notification.read_at.is_(None),
            Notification.created_at > now - _TOLD_WITHIN,
            or_(Notification.kind.not_in(CALL_KINDS), QueueEntry.state == QueueState.CALLED),
        )
    )


def _may_be_told(key_id: str, now: datetime) -> ColumnElement[bool]:
    """Browsers of logins that somebody may still use, subscribed with this key, that nobody is telling."""
    return and_(
        Login.revoked_at.is_(None),
        Login.last_seen_at > now - REFRESH_LIFE,
        WebPushSubscription.key_id == key_id,
        or_(WebPushSubscription.claimed_until.is_(None), WebPushSubscription.claimed_until <= now),
    )


def _claim(session: Session, user_id: UUID, key_id: str, now: datetime) -> _Claimed | None:
    is_call = case((Notification.kind.in_(CALL_KINDS), 0), else_=1)
    told = _still_so(now).where(Notification.user_id == user_id).order_by(is_call, Notification.id.desc())
    notifications = session.scalars(told).all()
    if not notifications:
        return None
    row = session.scalar(
        select(WebPushSubscription)
        .join(Login, Login.sid == WebPushSubscription.sid)
        .where(
            WebPushSubscription.user_id == user_id,
            WebPushSubscription.told_id < max(one.id for one in notifications),
            _may_be_told(key_id, now),
        )
        .order_by(WebPushSubscription.claimed_until.nulls_first(), WebPushSubscription.endpoint_hash)
        .limit(1)
        .with_for_update(of=WebPushSubscription, skip_locked=True)
    )
    if row is None:
        return None
    row.claimed_until = now + _CLAIM
    untold = next(one for one in notifications if one.id > row.told_id)
    return _Claimed(row, untold, row.claimed_until)


def _judge(response: HttpResponse, host: str) -> _Attempt:
    status = response.status
    if status in _GONE:
        return _Attempt(_PushOutcome.GONE, str(status), host)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = timedelta(seconds=min(read_retry_after(response.headers) or 0, _TOLD_WITHIN.total_seconds()))
        return _Attempt(_PushOutcome.BUSY, str(status), host, max(_PAUSE, wait))
    is_taken = status < HTTPStatus.MULTIPLE_CHOICES
    return _Attempt(_PushOutcome.TAKEN if is_taken else _PushOutcome.REFUSED, str(status), host)


def _note(session: Session, claimed: _Claimed, attempt: _Attempt, now: datetime) -> None:
    row = session.get(WebPushSubscription, claimed.row.endpoint_hash, with_for_update=True)
    if row is None or row.claimed_until != claimed.until:  # dropped, or subscribed anew, meanwhile
        return
    row.last_result = attempt.result
    if attempt.outcome == _PushOutcome.GONE:
        session.delete(row)
    elif attempt.outcome == _PushOutcome.BUSY:
        row.claimed_until = now + attempt.pause
    else:
        row.told_id, row.claimed_until = claimed.notification.id, None
