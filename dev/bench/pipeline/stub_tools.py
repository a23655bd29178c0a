"""Tools that do nothing, at once: what is left of a collection with them is what its durability costs."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.collection.files_import import ImportSummary
from services.collection.step_tools import Tools
from upstream.tilko.codec import AuthTokens

_EMPTY_ANSWER = b'{"Status":"OK","ResultList":[]}'


class _StubSpool:
    def calling(self, *_: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def find_incoming(self, *_: Any) -> Path:
        return Path("incoming")

    def read_incoming(self, *_: Any) -> bytes:
        return _EMPTY_ANSWER

    def put_pending(self, *_: Any) -> None:
        pass

    def drop_incoming(self, *_: Any) -> None:
        pass


class _StubImporter:
    def import_session(self, _: str, *, asks_consent: bool) -> ImportSummary:  # noqa: ARG002 as the real one
        return ImportSummary()


class _StubTilko:
    def close(self) -> None:
        pass

    def request_simple_auth(self, _: Any) -> AuthTokens:
        return AuthTokens("cx-bench", "0", "req-bench", "token-bench", "tx-bench")


def with_stubs(tools: Tools) -> Tools:
    """The same clock, sealing and database; no provider and no disk."""
    stubs: dict[str, Any] = {"spool": _StubSpool(), "importer": _StubImporter(), "tilko": _StubTilko()}
    return replace(tools, **stubs)
