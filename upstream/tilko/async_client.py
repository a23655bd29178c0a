"""The asyncio Tilko client, for the poller: thousands of waiting sessions on one loop, one data call each time."""

import asyncio
from collections.abc import Callable
from typing import Self

from upstream.http.connection_pool import HttpConnectionPool
from upstream.http.exchange import ExchangeError, HttpResponse, check_api_key, check_base_url
from upstream.tilko import answers, codec
from upstream.tilko.answers import DataAnswer
from upstream.tilko.client import DEFAULT_TIMEOUTS, MAX_RESPONSE_BYTES, Timeouts, translate
from upstream.tilko.codec import AuthTokens, PublicKey, TilkoPerson
from upstream.tilko.key_cache import KeyCache

_MAX_CONNECTIONS = 200


class AsyncTilkoClient:
    """Belongs to one running loop; `async with` closes it. Every call raises TilkoError and is at most one request."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        max_connections: int = _MAX_CONNECTIONS,
    ) -> None:
        self._api_key = check_api_key(api_key)
        self._timeouts = timeouts
        self._key_cache = KeyCache()
        self._key_request: asyncio.Task[PublicKey] | None = None
        self._connections = HttpConnectionPool(
            check_base_url(base_url),
            max_connections=max_connections,
            connect_seconds=timeouts.connect_seconds,
            max_response_bytes=max_response_bytes,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._key_request is not None:
            self._key_request.cancel()
        await self._connections.close()

    def forget_public_key(self) -> None:
        self._key_cache.clear()

    async def poll(
        self, person: TilkoPerson, tokens: AuthTokens, before_send: Callable[[], None] | None = None
    ) -> DataAnswer:
        """Asks for the checkups. NotApproved means: not yet. An answer means: approved, and paid for.

        `before_send` is called right before the request leaves; what it raises is raised, and nothing sent.
        """
        key = await self._get_public_key()
        request = codec.build_checkups(key, person, tokens)
        total = self._timeouts.checkups_seconds
        reply = await self._send("POST", request.path, request.headers, request.body, total, before_send)
        hide = (self._api_key, *person.secrets(), *tokens.secrets())
        return answers.read_data(reply.status, reply.headers, reply.body, hide=hide)

    async def _get_public_key(self) -> PublicKey:
        return self._key_cache.get() or await self._ask_public_key()

    async def _ask_public_key(self) -> PublicKey:
        """Concurrent callers wait for the same request; a cancelled poll leaves it running."""
        if self._key_request is None or self._key_request.done():
            self._key_request = asyncio.create_task(self._fetch_public_key())
            self._key_request.add_done_callback(_retrieve_outcome)
        return await asyncio.shield(self._key_request)

    async def _fetch_public_key(self) -> PublicKey:
        path = codec.public_key_path(self._api_key)
        reply = await self._send("GET", path, {}, b"", self._timeouts.auth_seconds)
        key = answers.read_public_key(reply.status, reply.headers, reply.body, self._api_key)
        self._key_cache.put(key)
        return key

    async def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        total_seconds: float,
        before_send: Callable[[], None] | None = None,
    ) -> HttpResponse:
        request = self._connections.build(method, path, headers, body)
        try:
            return await self._connections.exchange(request, total_seconds, before_send)
        except ExchangeError as exc:
            raise translate(exc) from exc


def _retrieve_outcome(task: asyncio.Task[PublicKey]) -> None:
    """So that asyncio does not report an exception as never retrieved when every caller was cancelled."""
    if not task.cancelled():
        task.exception()
