"""The asyncio Tilko client, for the poller: thousands of waiting sessions on one loop, one data call each time."""

import asyncio
from collections.abc import Mapping
from typing import Self

import aiohttp
from yarl import URL

from upstream.exchange import Reply, check_api_key, check_base_url
from upstream.tilko import answers, codec
from upstream.tilko.answers import DataAnswer
from upstream.tilko.client import DEFAULT_TIMEOUTS, MAX_ANSWER_BYTES, Timeouts
from upstream.tilko.codec import AuthTokens, Person, PublicKey
from upstream.tilko.errors import Passing, TooLarge
from upstream.tilko.key_cache import KeyCache

_MAX_CONNECTIONS = 200


class AsyncTilkoClient:
    """Belongs to one running loop; `async with` closes it. Every call raises TilkoError.

    aiohttp repeats requests of safe methods only when a kept connection turns out closed: never a POST.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_connections: int = _MAX_CONNECTIONS,
    ) -> None:
        self._base_url = check_base_url(base_url)
        self._api_key = check_api_key(api_key)
        self._timeouts = timeouts
        self._max_answer_bytes = max_answer_bytes
        self._key_cache = KeyCache()
        self._key_asked: asyncio.Task[PublicKey] | None = None
        self._checkups_url = URL(self._base_url + codec.CHECKUPS_PATH, encoded=True)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=max_connections),
            # No cookies: they would carry one person's session into the next person's request.
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._key_asked is not None:
            self._key_asked.cancel()
        await self._session.close()

    def forget_public_key(self) -> None:
        self._key_cache.clear()

    async def poll(self, person: Person, tokens: AuthTokens) -> DataAnswer:
        """Asks for the checkups. NotApproved means: not yet. An answer means: approved, and paid for."""
        request = codec.build_checkups(await self._public_key(), person, tokens)
        total = self._timeouts.checkups_seconds
        reply = await self._send("POST", self._checkups_url, request.headers, request.body, total)
        hide = (self._api_key, *person.secrets(), *tokens.secrets())
        return answers.read_data(reply.status, reply.headers, reply.body, hide=hide)

    async def _public_key(self) -> PublicKey:
        """Everybody who needs it at the same moment waits for the same request; a cancelled poll leaves it running."""
        key = self._key_cache.get()
        if key is not None:
            return key
        if self._key_asked is None or self._key_asked.done():
            self._key_asked = asyncio.create_task(self._fetch_public_key())
            self._key_asked.add_done_callback(_notice)
        return await asyncio.shield(self._key_asked)

    async def _fetch_public_key(self) -> PublicKey:
        url = URL(self._base_url + codec.public_key_path(self._api_key), encoded=True)
        reply = await self._send("GET", url, {}, b"", self._timeouts.auth_seconds)
        key = answers.read_public_key(reply.status, reply.headers, reply.body, self._api_key)
        self._key_cache.put(key)
        return key

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, total_seconds: float
    ) -> Reply:
        # The total counts from the moment a connection is asked for: waiting for a free one is part of it.
        timeout = aiohttp.ClientTimeout(total=total_seconds, sock_connect=self._timeouts.connect_seconds)
        try:
            async with self._session.request(
                method, url, headers=headers, data=body or None, timeout=timeout, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await self._read_bounded(response))
        except TimeoutError as exc:
            raise Passing(reason="timed_out") from exc
        except aiohttp.ClientConnectorError as exc:
            raise Passing(reason="unreachable") from exc
        except aiohttp.ClientResponseError:
            # Its text shows the URL, in which the API key can stand: so it is not chained.
            raise Passing(reason="cut_off") from None
        except (aiohttp.ClientError, OSError) as exc:
            raise Passing(reason="cut_off") from exc

    async def _read_bounded(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._max_answer_bytes:
            raise TooLarge(reason="too_large", http_status=response.status)
        parts = bytearray()
        async for chunk in response.content.iter_any():
            parts += chunk
            if len(parts) > self._max_answer_bytes:
                raise TooLarge(reason="too_large", http_status=response.status)
        return bytes(parts)


def _notice(task: asyncio.Task[PublicKey]) -> None:
    """Looks at the outcome, so that asyncio does not report it as lost when every waiter was cancelled."""
    if not task.cancelled():
        task.exception()
