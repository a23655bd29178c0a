"""The last requests that failed, for staff who are told a reference number: what failed where, never to whom.

Kept in Redis beside the log line, by a thread of its own: an answer that says that a store is down waits for none.
"""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, g, request
from redis import Redis
from redis.exceptions import DataError, RedisError

from core.clock import Clock
from core.logs import get_logger
from core.names import FAILED_BY_FAULT, FAILED_BY_REFUSAL
from webapp.observing import route_template

log = get_logger(__name__)
_KEY = "welno_failed_requests"
KEPT = 10_000
_KEYS = (FAILED_BY_FAULT, FAILED_BY_REFUSAL)
_KEPT_FOR = timedelta(days=30)
_WAITING_MAX, _PAGE = 1_000, 1_000


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """`session_id` is empty where the address named no session of the collection."""

    request_id: str
    at: str
    method: str
    route: str
    status: str
    error_code: str
    session_id: str


class FailedRequests:
    """Safe to share between threads, and before a fork: the thread that writes runs only while there is something."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._waiting: deque[FailedRequest] = deque(maxlen=_WAITING_MAX)  # beyond it the oldest is only in the log
        self._writing = threading.Lock()

    def note(self, failed: FailedRequest) -> None:
        self._waiting.append(failed)
        if not self._writing.locked():
            threading.Thread(target=self._write_all, name="failed-requests", daemon=True).start()

    def find(self, request_id: str) -> list[FailedRequest]:
        """Newest first; who repeats a call may send the same id again. Raises RedisError."""
        return [failed for key in _KEYS for failed in self._read(key) if failed.request_id == request_id]

    def _write_all(self) -> None:
        while self._waiting and self._writing.acquire(blocking=False):
            try:
                self._write_waiting()
            finally:
                self._writing.release()

    def _write_waiting(self) -> None:
        while self._waiting:
            failed = self._waiting.popleft()
            try:
                self._write(failed)
            except DataError:
                # It stays unwritable whenever it is tried, and says nothing about the others.
                log.exception("failed_request_not_writable", failed_request_id=failed.request_id, route=failed.route)
            except RedisError as exc:
                log.warning("failed_requests_not_kept", error=type(exc).__name__, count=1 + len(self._waiting))
                self._waiting.clear()

    def _write(self, failed: FailedRequest) -> None:
        key = FAILED_BY_FAULT if failed.status >= "500" else FAILED_BY_REFUSAL
        oldest = int((self._clock.now() - _KEPT_FOR).timestamp() * 1000)
        with self._redis.pipeline(transaction=False) as both:
            both.xadd(key, cast(Any, asdict(failed)), maxlen=KEPT, approximate=True)
            both.xtrim(key, minid=oldest, approximate=False)
            both.expire(key, _KEPT_FOR)
            both.execute()

    def _read(self, key: str) -> Iterator[FailedRequest]:
        last = "+"
        while page := cast(Any, self._redis.xrevrange(key, max=last, count=_PAGE)):
            for _, fields in page:
                yield FailedRequest(**{name.decode(): value.decode() for name, value in fields.items()})
            last = f"({page[-1][0].decode()}"


def keep_failures(app: Flask, redis: Redis, clock: Clock) -> None:
    """Note each answer that carries an error code."""
    kept = app.extensions[_KEY] = FailedRequests(redis, clock)

    def note(response: Response) -> Response:
        if "error_code" in g:
            kept.note(_describe(response, clock))
        return response

    app.after_request(note)


def failed_requests() -> FailedRequests:
    return cast(FailedRequests, current_app.extensions[_KEY])


def _describe(response: Response, clock: Clock) -> FailedRequest:
    return FailedRequest(
        request_id=g.request_id,
        at=clock.now().isoformat(),
        method=request.method if request.url_rule is not None else "-",
        route=route_template(),
        status=str(response.status_code),
        error_code=g.error_code,
        session_id=structlog.contextvars.get_contextvars().get("session_id", ""),
    )
