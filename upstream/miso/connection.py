"""The calls of one MISO app: its address and key, bounded exchanges, errors translated."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from core.clock import clock
from upstream.http import exchange
from upstream.http.exchange import ExchangeError, HttpResponse, PaidCall, ResponseTooLarge, Unreachable
from upstream.http.streaming import Cancellation, HttpStream, OpenSockets, StreamLimits, open_stream
from upstream.miso.answers import MAX_ANSWER_BYTES
from upstream.miso.errors import MisoAnswerInvalid, MisoAnswerLost, MisoError, MisoUnreached

UNPREPARED = PaidCall()
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class MisoCallLimits:
    """Seconds for a whole call; `silence_seconds` between two pieces of a stream."""

    total_seconds: float
    silence_seconds: float | None = None
    max_bytes: int = MAX_ANSWER_BYTES


class MisoConnection:
    """Safe to share between threads. One call is at most one request."""

    def __init__(self, base_url: str, api_key: str, http: httpx.Client | None = None) -> None:
        self._base_url = f"{exchange.check_base_url(base_url)}/ext/v1"
        self._api_key = exchange.check_api_key(api_key)
        # A kept connection that the peer closes while we write looks like a lost answer, which is paid for twice.
        self._http = http or exchange.open_http(kept_connections=0)
        self._sockets = OpenSockets()

    def abort_all(self) -> None:
        """For a process that stops: every call under way ends at once, as if its connection had been cut."""
        self._sockets.shut_all()

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        limits: MisoCallLimits,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        call: PaidCall = UNPREPARED,
    ) -> HttpResponse:
        """A whole response, whatever its status. Raises MisoError."""
        with self.stream(method, path, limits, body=body, query=query, call=call) as stream:
            return HttpResponse(stream.status, stream.headers, stream.read())

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        limits: MisoCallLimits,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        call: PaidCall = UNPREPARED,
        cancellation: Cancellation | None = None,
    ) -> Iterator[HttpStream]:
        """Raises MisoError, also out of the body of the `with`."""
        request = self._http.build_request(
            method,
            self._base_url + path,
            params=dict(query) if query else None,
            content=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"},
        )
        total_seconds = min(limits.total_seconds, call.ends_at - clock.monotonic())
        bounds = StreamLimits(total_seconds, limits.max_bytes, CONNECT_SECONDS, limits.silence_seconds)
        try:
            with open_stream(
                self._http, request, bounds, call.before_send, sockets=self._sockets, cancellation=cancellation
            ) as stream:
                yield stream
        except ExchangeError as exc:
            raise translate(exc) from exc


def translate(error: ExchangeError) -> MisoError:
    if isinstance(error, Unreachable):
        return MisoUnreached(reason=error.reason)
    if isinstance(error, ResponseTooLarge):
        return MisoAnswerInvalid(reason=error.reason)
    return MisoAnswerLost(reason=error.reason)


def path_of(*parts: str) -> str:
    """Each part as one segment, whatever stands in it."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)
