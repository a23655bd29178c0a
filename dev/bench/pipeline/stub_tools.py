"""Tools that do nothing, at once: what is left of a collection with them is what its durability costs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from core.clock import clock
from services.collection.files_import import ImportSummary
from services.collection.paid_calls import CallTerms
from services.collection.step_tools import Tools
from spool import AnswerKind, KeptAnswer
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.tilko.codec import AuthTokens

_EMPTY_ANSWER = b'{"Status":"OK","ResultList":[]}'


class _StubCalls:
    under_way = False

    def seconds_of(self, timeout_seconds: float) -> float:
        return timeout_seconds

    def obtain(
        self,
        _claim: object,
        terms: CallTerms,
        _timeout: float,
        ask: Callable[[PaidCall], Any],
        read: Callable[[HttpResponse], Any],
    ) -> Any:
        return read(HttpResponse(200, {}, _EMPTY_ANSWER)) if terms.is_billed_again else ask(PaidCall())


class _StubSpool:
    def find_incoming(self, *_: Any) -> Path:
        return Path("incoming")

    def read_incoming(self, *_: Any) -> KeptAnswer:
        return KeptAnswer(_EMPTY_ANSWER)

    def incoming_written_at(self, *_: Any) -> datetime:
        return clock.now()

    def put_pending(self, *_: Any) -> None:
        pass

    def drop_incoming(self, *_: Any) -> None:
        pass


class _StubImporter:
    def import_session(self, _: str, *, asks_consent: bool) -> ImportSummary:  # noqa: ARG002 as the real one
        return ImportSummary()

    def find_imported(self, *_: Any) -> frozenset[AnswerKind]:
        return frozenset(AnswerKind)


class _StubTilko:
    def close(self) -> None:
        pass

    def request_simple_auth(self, *_: Any) -> AuthTokens:
        return AuthTokens("cx-bench", "0", "req-bench", "token-bench", "tx-bench")


def with_stubs(tools: Tools) -> Tools:
    """The same clock, sealing and database; no provider and no disk."""
    stubs: dict[str, Any] = {
        "spool": _StubSpool(),
        "calls": _StubCalls(),
        "importer": _StubImporter(),
        "tilko": _StubTilko(),
    }
    return replace(tools, **stubs)
