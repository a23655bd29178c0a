"""The blocking Tilko client, for tasks: one call is at most one request, the caller decides about another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import httpx

from upstream.http import exchange
from upstream.tilko import answers, codec
from upstream.tilko.answers import DataAnswer
from upstream.tilko.codec import AuthTokens, PublicKey, TilkoPerson, TilkoRequest
from upstream.tilko.errors import TilkoError, TilkoResponseTooLarge, TilkoUnavailable
from upstream.tilko.key_cache import KeyCache

MAX_RESPONSE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for a whole call, and for the connection within it."""

    connect_seconds: float = 5.0
    auth_seconds: float = 30.0
    login_check_seconds: float = 15.0
    checkups_seconds: float = 120.0
    treatments_seconds: float = 300.0


DEFAULT_TIMEOUTS = Timeouts()


class TilkoClient:
    """Safe to share between threads. Every call raises TilkoError."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
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

    def forget_public_key(self) -> None:
        """The next call asks for it again."""
        self._key_cache.clear()

    def request_simple_auth(self, person: TilkoPerson) -> AuthTokens:
        request = codec.build_simple_auth(self._public_key(), person)
        reply = self._post(request, self._timeouts.auth_seconds)
        return answers.read_simple_auth(
            reply.status,
            reply.headers,
            reply.body,
            private_auth_type=person.private_auth_type,
            hide=(self._api_key, *person.secrets()),
        )

    def check_login(self, person: TilkoPerson, tokens: AuthTokens, version: str = "v2.0") -> bool:
        """Whether the person has approved; brings no data and is not billed. `version` is the API's."""
        request = codec.build_login_check(self._public_key(), version, person, tokens)
        reply = self._post(request, self._timeouts.login_check_seconds)
        hide = (self._api_key, *person.secrets(), *tokens.secrets())
        return answers.read_login_check(reply.status, reply.headers, reply.body, hide=hide)

    def fetch_checkups(self, person: TilkoPerson, tokens: AuthTokens) -> DataAnswer:
        request = codec.build_checkups(self._public_key(), person, tokens)
        return self._fetch(request, self._timeouts.checkups_seconds, (*person.secrets(), *tokens.secrets()))

    def fetch_treatments(self, person: TilkoPerson, tokens: AuthTokens, start: date, end: date) -> DataAnswer:
        request = codec.build_treatments(self._public_key(), person, tokens, start, end)
        return self._fetch(request, self._timeouts.treatments_seconds, (*person.secrets(), *tokens.secrets()))

    def _fetch(self, request: TilkoRequest, total_seconds: float, secrets: tuple[str, ...]) -> DataAnswer:
        reply = self._post(request, total_seconds)
        return answers.read_data(reply.status, reply.headers, reply.body, hide=(self._api_key, *secrets))

    def _public_key(self) -> PublicKey:
        key = self._key_cache.get()
        if key is None:  # two threads may both ask: harmless, and cheaper than a lock held over the network
            reply = self._send("GET", codec.public_key_path(self._api_key), {}, b"", self._timeouts.auth_seconds)
            key = answers.read_public_key(reply.status, reply.headers, reply.body, self._api_key)
            self._key_cache.put(key)
        return key

    def _post(self, request: TilkoRequest, total_seconds: float) -> exchange.HttpResponse:
        return self._send("POST", request.path, request.headers, request.body, total_seconds)

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, total_seconds: float
    ) -> exchange.HttpResponse:
        limits = exchange.ExchangeLimits(total_seconds, self._max_response_bytes, self._timeouts.connect_seconds)
        request = self._http.build_request(method, self._base_url + path, headers=dict(headers), content=body or None)
        try:
            return exchange.send(self._http, request, limits)
        except exchange.ExchangeError as exc:
            raise translate(exc) from exc


def translate(error: exchange.ExchangeError) -> TilkoError:
    if error.retryable:
        return TilkoUnavailable(reason=error.reason)
    return TilkoResponseTooLarge(reason=error.reason)
