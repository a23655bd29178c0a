"""The blocking MediArc client: one call is at most one request, the caller decides about another."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import httpx
import orjson

from core.clock import clock
from upstream.http import exchange
from upstream.mediarc.answers import MAX_RESPONSE_BYTES, ReportAnswer, read_report
from upstream.mediarc.errors import (
    MediarcAnswerUnreadable,
    MediarcError,
    MediarcResponseTooLarge,
    MediarcUnavailable,
)

_TIMEOUT_SECONDS = 90.0
_UNPREPARED = exchange.PaidCall()


class MediarcClient:
    """Safe to share between threads. `url` is the whole address of the report API."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        http: httpx.Client | None = None,
    ) -> None:
        exchange.check_base_url(url)
        self._url = url.strip()
        self._api_key = exchange.check_api_key(api_key)
        self._limits = exchange.ExchangeLimits(timeout_seconds, max_response_bytes)
        self._http = http or exchange.open_http()

    def close(self) -> None:
        self._http.close()

    def order_report(self, payload: Mapping[str, Any], call: exchange.PaidCall = _UNPREPARED) -> ReportAnswer:
        """`payload` as `build_report_request` makes it. Raises MediarcError."""
        body = orjson.dumps({"api_key": self._api_key, **payload})
        request = self._http.build_request(
            "POST", self._url, headers={"Content-Type": "application/json"}, content=body
        )
        try:
            reply = exchange.send(self._http, request, self._limits_of(call), call.before_send)
        except exchange.ExchangeError as exc:
            _keep_what_came(exc, call)
            raise _translate(exc) from exc
        if reply.status == HTTPStatus.OK:  # it may have been paid for, whatever it says
            call.keep(reply)
        hide = (self._api_key, str(payload.get("user_name") or ""))
        return read_report(reply.status, reply.headers, reply.body, hide=hide)

    def _limits_of(self, call: exchange.PaidCall) -> exchange.ExchangeLimits:
        total_seconds = min(self._limits.total_seconds, call.ends_at - clock.monotonic())
        return replace(self._limits, total_seconds=total_seconds)


def _keep_what_came(error: exchange.ExchangeError, call: exchange.PaidCall) -> None:
    """Of an answer that may have been paid for, and that nobody can read, for people to look at."""
    if isinstance(error, exchange.UnsupportedCoding):
        call.keep(exchange.UNSUPPORTED_ANSWER)
    elif isinstance(error, exchange.ResponseTooLarge) and error.part is not None and error.part.status == HTTPStatus.OK:
        call.keep(error.part)


def _translate(error: exchange.ExchangeError) -> MediarcError:
    if isinstance(error, exchange.ResponseTooLarge):
        return MediarcResponseTooLarge(reason=error.reason)
    if isinstance(error, exchange.UnsupportedCoding):  # it would come like this again, and may be paid for each time
        return MediarcAnswerUnreadable(reason=error.reason)
    return MediarcUnavailable(reason=error.reason)
