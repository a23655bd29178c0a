"""The blocking Tilko client, for tasks: one call is at most one request, the caller decides about another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import httpx

from core.clock import clock
from upstream.http import exchange
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.tilko import answers, codec
from upstream.tilko.answers import DataAnswer
from upstream.tilko.codec import AuthTokens, PublicKey, TilkoPerson, TilkoRequest
from upstream.tilko.errors import AnswerUnreadable, TilkoError, TilkoResponseTooLarge, TilkoUnavailable
from upstream.tilko.key_cache import KeyCache

AUTH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for a whole call, and for the connection within it."""

    connect_seconds: float = 5.0
    auth_seconds: float = AUTH_SECONDS
    login_check_seconds: float = 15.0
    checkups_seconds: float = 120.0
    treatments_seconds: float = 300.0


DEFAULT_TIMEOUTS = Timeouts()
UNPREPARED = PaidCall()


class TilkoClient:
    """Safe to share between threads. Every call raises TilkoError."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_response_bytes: int = answers.MAX_RESPONSE_BYTES,
        http: httpx.Client | None = None,
    ) -> None:
        self._base_url = exchange.check_base_url(base_url)
        self._api_key = exchange.check_api_key(api_key)
        self._timeouts = timeouts
        self._max_response_bytes = max_response_bytes
        self._http = http or exchange.open_http()
        self._key_cache = KeyCache()

    def close(self) -> None:
        self._http.close()

    def request_simple_auth(self, person: TilkoPerson, call: PaidCall = UNPREPARED) -> AuthTokens:
        """Has the push sent."""
        with self._key_in_use() as key:
            reply = self._post_small(codec.build_simple_auth(key, person), self._timeouts.auth_seconds, call)
            tokens = self.read_simple_auth(reply, person)
        call.keep(reply)
        return tokens

    def read_simple_auth(self, reply: HttpResponse, person: TilkoPerson) -> AuthTokens:
        """Also of a reply that was kept."""
        hide = (self._api_key, *person.secrets())
        asked_type = person.private_auth_type
        return answers.read_simple_auth(
            reply.status, reply.headers, reply.body, private_auth_type=asked_type, hide=hide
        )

    def check_login(self, person: TilkoPerson, tokens: AuthTokens, version: str = "v2.0") -> bool:
        """Whether the person has approved; brings no data and is not billed. `version` is the API's."""
        hide = (self._api_key, *person.secrets(), *tokens.secrets())
        with self._key_in_use() as key:
            request = codec.build_login_check(key, version, person, tokens)
            try:
                reply = self._post_small(request, self._timeouts.login_check_seconds, UNPREPARED)
            except TilkoResponseTooLarge as exc:
                if exc.part is None:
                    raise
                return answers.read_cut_login_check(exc.part.status, exc.part.headers, exc.part.body)
            return answers.read_login_check(reply.status, reply.headers, reply.body, hide=hide)

    def fetch_checkups(self, person: TilkoPerson, tokens: AuthTokens, call: PaidCall = UNPREPARED) -> DataAnswer:
        secrets = (*person.secrets(), *tokens.secrets())
        with self._key_in_use() as key:
            request = codec.build_checkups(key, person, tokens)
            return self._fetch(request, self._timeouts.checkups_seconds, secrets, call)

    def fetch_treatments(
        self, person: TilkoPerson, tokens: AuthTokens, start: date, end: date, call: PaidCall = UNPREPARED
    ) -> DataAnswer:
        secrets = (*person.secrets(), *tokens.secrets())
        with self._key_in_use() as key:
            request = codec.build_treatments(key, person, tokens, start, end)
            return self._fetch(request, self._timeouts.treatments_seconds, secrets, call)

    def _fetch(
        self, request: TilkoRequest, total_seconds: float, secrets: tuple[str, ...], call: PaidCall
    ) -> DataAnswer:
        try:
            reply = self._post(request, total_seconds, call)
        except TilkoResponseTooLarge as exc:
            part = find_paid_part(exc.part)
            if part is None:
                raise
            call.keep(part)
            raise AnswerUnreadable(reason=exc.reason, http_status=part.status) from None
        except TilkoUnavailable as exc:
            if not isinstance(exc.__cause__, exchange.UnsupportedCoding):
                raise
            # It was paid for as likely as not, and would come like this again: people are told, and nobody buys it.
            call.keep(exchange.UNSUPPORTED_ANSWER)
            raise AnswerUnreadable(reason=exc.reason) from None
        if answers.may_hold_data(reply.status, reply.headers, reply.body):
            call.keep(reply)
        return answers.read_data(reply.status, reply.headers, reply.body, hide=(self._api_key, *secrets))

    @contextmanager
    def _key_in_use(self) -> Iterator[PublicKey]:
        """A refusal is passing where the provider has rotated its key since: it could not open what was sent."""
        key = self._public_key()
        try:
            yield key
        except TilkoError as exc:
            if self._key_cache.invalidate_if_rejected(key, exc) and self._is_rotated(key):
                raise TilkoUnavailable(reason="key_rotated", http_status=exc.http_status) from exc
            raise

    def _is_rotated(self, used: PublicKey) -> bool:
        try:
            return self._public_key() != used
        except TilkoError:
            return False

    def _public_key(self) -> PublicKey:
        key = self._key_cache.get()
        if key is None:  # two threads may both ask: harmless, and cheaper than a lock held over the network
            request = self._http.build_request("GET", self._base_url + codec.public_key_path(self._api_key))
            reply = self._send(request, self._timeouts.auth_seconds, UNPREPARED, answers.MAX_SMALL_ANSWER_BYTES)
            key = answers.read_public_key(reply.status, reply.headers, reply.body, self._api_key)
            self._key_cache.put(key)
        return key

    def _post_small(self, request: TilkoRequest, total_seconds: float, call: PaidCall) -> HttpResponse:
        """Of a call that brings no records."""
        return self._post(request, total_seconds, call, answers.MAX_SMALL_ANSWER_BYTES)

    def _post(
        self, request: TilkoRequest, total_seconds: float, call: PaidCall, max_bytes: int | None = None
    ) -> HttpResponse:
        url = self._base_url + request.path
        built = self._http.build_request("POST", url, headers=request.headers, content=request.body)
        return self._send(built, min(total_seconds, call.ends_at - clock.monotonic()), call, max_bytes)

    def _send(
        self, request: httpx.Request, total_seconds: float, call: PaidCall, max_bytes: int | None = None
    ) -> HttpResponse:
        most = self._max_response_bytes if max_bytes is None else max_bytes
        limits = exchange.ExchangeLimits(total_seconds, most, self._timeouts.connect_seconds)
        try:
            return exchange.send(self._http, request, limits, call.before_send)
        except exchange.ExchangeError as exc:
            raise translate(exc) from exc


def translate(error: exchange.ExchangeError) -> TilkoError:
    if not isinstance(error, exchange.ResponseTooLarge):
        return TilkoUnavailable(reason=error.reason)
    translated = TilkoResponseTooLarge(reason=error.reason)
    translated.part = error.part
    return translated


def find_paid_part(part: HttpResponse | None) -> HttpResponse | None:
    """What came of an answer to a data call that was too large, if it may have been paid for: it is kept like any
    other, and not asked for again."""
    if part is None or not 200 <= part.status < 300:  # of an error of HTTP nobody reads what was cut
        return None
    return part if answers.may_hold_data(part.status, part.headers, part.body) else None
