"""The blocking client of the hospital's own system: a PUT of what a thing is now, harmless when repeated."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import orjson

from upstream.emr.errors import EmrMisconfigured, EmrRefused, EmrUnavailable
from upstream.http import exchange

# A worker that stops lets its tasks end, and needs half of its ten seconds for all else that it does.
_TIMEOUT_SECONDS = 4.0
# Nothing of an answer is of use.
_MAX_RESPONSE_BYTES = 64 * 1024


class EmrClient:
    """Safe to share between threads. `url` is what the address of every thing begins with."""

    def __init__(
        self, url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS, http: httpx.Client | None = None
    ) -> None:
        self._url = exchange.check_base_url(url)
        self._limits = exchange.ExchangeLimits(timeout_seconds, _MAX_RESPONSE_BYTES)
        self._http = http or exchange.open_http()

    def close(self) -> None:
        self._http.close()

    def put(self, entity: str, entity_id: UUID, body: Mapping[str, Any]) -> None:
        """Raises EmrError."""
        address = f"{self._url}/{entity}/{entity_id}"
        headers = {"Content-Type": "application/json"}
        request = self._http.build_request("PUT", address, headers=headers, content=orjson.dumps(body))
        try:
            reply = exchange.send(self._http, request, self._limits)
        except exchange.ExchangeError as exc:
            raise EmrUnavailable from exc
        _judge(reply.status)


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status == 429 or status >= 500:
        raise EmrUnavailable(status)
    if status in {401, 403}:
        raise EmrMisconfigured(status)
    raise EmrRefused(status)
