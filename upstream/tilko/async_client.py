"""The asyncio Tilko client, for the poller: thousands of waiting sessions on one loop, one call each time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ClassVar, Self

from upstream.http.connection_pool import HttpConnectionPool, Outcome
from upstream.http.exchange import ExchangeError, HttpResponse, ResponseTooLarge, check_api_key, check_base_url
from upstream.tilko import answers, codec
from upstream.tilko.client import DEFAULT_TIMEOUTS, Timeouts, find_paid_part, translate
from upstream.tilko.codec import AuthTokens, PublicKey, TilkoPerson, TilkoRequest
from upstream.tilko.errors import NotApproved, TilkoError
from upstream.tilko.key_cache import KeyCache

_MAX_CONNECTIONS = 200
Answer = HttpResponse | bool


class AsyncTilkoClient:
    """Belongs to one running loop; `async with` closes it. Every call raises TilkoError and is at most one request."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_response_bytes: int = answers.MAX_RESPONSE_BYTES,
        max_connections: int = _MAX_CONNECTIONS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
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
        """Polls under way end as unavailable."""
        if self._key_request is not None:
            self._key_request.cancel()
        await self._connections.close()

    def check_login(
        self, person: TilkoPerson, tokens: AuthTokens, version: str, before_send: Callable[[], None] | None = None
    ) -> asyncio.Future[Answer]:
        """Whether the person has approved; brings no data and is not billed. EndpointMissing where the provider has no
        such path in this `version` of its API. `before_send` as for `poll`."""
        return self._ask(LoginPoll(person, tokens, before_send, self._loop.create_future(), version))

    def poll(
        self, person: TilkoPerson, tokens: AuthTokens, before_send: Callable[[], None] | None = None
    ) -> asyncio.Future[Answer]:
        """Asks for the checkups. NotApproved means: not yet. What comes may have been paid for, and nobody has judged
        it: keep it, then read it.

        `before_send` is called right before the request leaves; what it raises is the outcome, and nothing sent.
        A future and no coroutine: at thousands of polls a second, a task for each would cost as much as sending it.
        """
        return self._ask(DataPoll(person, tokens, before_send, self._loop.create_future()))

    def _ask(self, poll: "Poll") -> asyncio.Future[Answer]:
        key = self._key_cache.get()
        if key is not None:
            self._send(poll, key)
        else:
            # Concurrent polls wait for the same key; one that is cancelled leaves the request running.
            if self._key_request is None or self._key_request.done():
                self._key_request = self._loop.create_task(self._fetch_public_key())
            self._key_request.add_done_callback(partial(self._send_with_fetched, poll))
        return poll.outcome

    def _send_with_fetched(self, poll: "Poll", key: asyncio.Task[PublicKey]) -> None:
        if key.cancelled():
            poll.outcome.cancel()
        elif (error := key.exception()) is not None:
            poll.resolve(error)
        else:
            self._send(poll, key.result())

    def _send(self, poll: "Poll", key: PublicKey) -> None:
        try:
            request = poll.build(key)
        except Exception as exc:  # noqa: BLE001 whatever it is, the poll must have an outcome
            poll.resolve(exc)
            return
        packed = self._connections.build("POST", request.path, request.headers, request.body)
        read = partial(self._read, poll, key)
        self._connections.start(
            packed, poll.seconds_of(self._timeouts), read, poll.require_wanted, max_response_bytes=poll.max_answer_bytes
        )

    def _read(self, poll: "Poll", key: PublicKey, outcome: Outcome) -> None:
        if isinstance(outcome, ResponseTooLarge):
            poll.resolve(poll.read_cut(outcome))
        elif isinstance(outcome, ExchangeError):
            poll.resolve(translate(outcome))
        elif isinstance(outcome, Exception):
            poll.resolve(outcome)
        else:
            hide = (self._api_key, *poll.person.secrets(), *poll.tokens.secrets())
            try:
                poll.resolve(poll.read(outcome.status, outcome.headers, outcome.body, hide))
            except NotApproved as exc:
                # Its traceback leads back to itself: without it, a poll leaves nothing to the garbage collector.
                poll.resolve(exc.with_traceback(None))
            except TilkoError as exc:
                self._key_cache.invalidate_if_rejected(key, exc)
                poll.resolve(exc)
            except Exception as exc:  # noqa: BLE001 whatever it is, the poll must have an outcome
                poll.resolve(exc)

    async def _fetch_public_key(self) -> PublicKey:
        request = self._connections.build("GET", codec.public_key_path(self._api_key), {}, b"")
        try:
            response = await self._connections.exchange(
                request, self._timeouts.auth_seconds, max_response_bytes=answers.MAX_SMALL_ANSWER_BYTES
            )
        except ExchangeError as exc:
            raise translate(exc) from exc
        key = answers.read_public_key(response.status, response.headers, response.body, self._api_key)
        self._key_cache.put(key)
        return key


class Poll:
    """One question under way: has this person approved?"""

    __slots__ = ("before_send", "outcome", "person", "tokens")
    max_answer_bytes: ClassVar[int | None] = None  # as it comes; None: the client's bound

    def __init__(
        self,
        person: TilkoPerson,
        tokens: AuthTokens,
        before_send: Callable[[], None] | None,
        outcome: asyncio.Future[Answer],
    ) -> None:
        self.person = person
        self.tokens = tokens
        self.before_send = before_send
        self.outcome = outcome

    def build(self, key: PublicKey) -> TilkoRequest:
        raise NotImplementedError

    def read(self, status: int, headers: Mapping[str, str], body: bytes, hide: Iterable[str]) -> Answer:
        raise NotImplementedError

    def read_cut(self, error: ResponseTooLarge) -> Answer | Exception:
        """What the part says that came."""
        raise NotImplementedError

    def seconds_of(self, timeouts: Timeouts) -> float:
        raise NotImplementedError

    def require_wanted(self) -> None:
        """The last thing before it is sent. What it raises keeps it back."""
        if self.outcome.done():
            raise asyncio.InvalidStateError  # its caller has left: it must not be paid for
        if self.before_send is not None:
            self.before_send()

    def resolve(self, outcome: Answer | BaseException) -> None:
        """Unless its caller has left."""
        if self.outcome.done():
            return
        if isinstance(outcome, BaseException):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


class DataPoll(Poll):
    """Asks for the checkups, which only an approval opens."""

    __slots__ = ()

    def build(self, key: PublicKey) -> TilkoRequest:
        return codec.build_checkups(key, self.person, self.tokens)

    def read(self, status: int, headers: Mapping[str, str], body: bytes, hide: Iterable[str]) -> Answer:
        if not answers.may_hold_data(status, headers, body):
            # Beyond this an error of HTTP says no more, and reading it would hold up all who wait.
            answers.read_data(status, headers, body[: answers.MAX_SMALL_ANSWER_BYTES], hide=hide)
        return HttpResponse(status, headers, body)

    def read_cut(self, error: ResponseTooLarge) -> Answer | Exception:
        return find_paid_part(error.part) or translate(error)

    def seconds_of(self, timeouts: Timeouts) -> float:
        return timeouts.checkups_seconds


class LoginPoll(Poll):
    """Asks nothing but whether there is an approval."""

    __slots__ = ("version",)
    max_answer_bytes = answers.MAX_SMALL_ANSWER_BYTES

    def __init__(
        self,
        person: TilkoPerson,
        tokens: AuthTokens,
        before_send: Callable[[], None] | None,
        outcome: asyncio.Future[Answer],
        version: str,
    ) -> None:
        super().__init__(person, tokens, before_send, outcome)
        self.version = version

    def build(self, key: PublicKey) -> TilkoRequest:
        return codec.build_login_check(key, self.version, self.person, self.tokens)

    def read(self, status: int, headers: Mapping[str, str], body: bytes, hide: Iterable[str]) -> Answer:
        return answers.read_login_check(status, headers, body, hide=hide)

    def read_cut(self, error: ResponseTooLarge) -> Answer | Exception:
        if error.part is None:
            return translate(error)
        try:
            return answers.read_cut_login_check(error.part.status, error.part.headers, error.part.body)
        except TilkoError as exc:
            return exc

    def seconds_of(self, timeouts: Timeouts) -> float:
        return timeouts.login_check_seconds
