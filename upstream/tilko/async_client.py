"""The asyncio Tilko client, for the poller: thousands of waiting sessions on one loop, one data call each time."""

import asyncio
from collections.abc import Callable
from typing import Self

from upstream.connections import Connections
from upstream.exchange import ExchangeError, Reply, check_api_key, check_base_url
from upstream.tilko import answers, codec
from upstream.tilko.answers import DataAnswer
from upstream.tilko.client import DEFAULT_TIMEOUTS, MAX_ANSWER_BYTES, Timeouts, translate
from upstream.tilko.codec import AuthTokens, Person, PublicKey
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
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_connections: int = _MAX_CONNECTIONS,
    ) -> None:
        self._api_key = check_api_key(api_key)
        self._timeouts = timeouts
        self._key_cache = KeyCache()
        self._key_asked: asyncio.Task[PublicKey] | None = None
        self._connections = Connections(
            check_base_url(base_url),
            max_connections=max_connections,
            connect_seconds=timeouts.connect_seconds,
            max_answer_bytes=max_answer_bytes,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._key_asked is not None:
            self._key_asked.cancel()
        await self._connections.close()

    def forget_public_key(self) -> None:
        self._key_cache.clear()

    async def poll(self, person: Person, tokens: AuthTokens, last_look: Callable[[], None] | None = None) -> DataAnswer:
        """Asks for the checkups. NotApproved means: not yet. An answer means: approved, and paid for.

        `last_look` is called when all is ready to be sent; what it raises is raised, and nothing sent.
        """
        key = await self._get_public_key()
        request = codec.build_checkups(key, person, tokens)
        total = self._timeouts.checkups_seconds
        reply = await self._send("POST", request.path, request.headers, request.body, total, last_look)
        hide = (self._api_key, *person.secrets(), *tokens.secrets())
        return answers.read_data(reply.status, reply.headers, reply.body, hide=hide)

    async def _get_public_key(self) -> PublicKey:
        return self._key_cache.get() or await self._ask_public_key()

    async def _ask_public_key(self) -> PublicKey:
        """Everybody who needs it at the same moment waits for the same request; a cancelled poll leaves it running."""
        if self._key_asked is None or self._key_asked.done():
            self._key_asked = asyncio.create_task(self._fetch_public_key())
            self._key_asked.add_done_callback(_notice)
        return await asyncio.shield(self._key_asked)

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
        last_look: Callable[[], None] | None = None,
    ) -> Reply:
        request = self._connections.build(method, path, headers, body)
        try:
            return await self._connections.exchange(request, total_seconds, last_look)
        except ExchangeError as exc:
            raise translate(exc) from exc


def _notice(task: asyncio.Task[PublicKey]) -> None:
    """Looks at the outcome, so that asyncio does not report it as lost when every waiter was cancelled."""
    if not task.cancelled():
        task.exception()
