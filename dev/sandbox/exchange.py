"""One call of a provider as its handlers see it: normalised path, headers, body, and its line in the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dev.sandbox.errors import BadInputError
from dev.sandbox.ledger import LedgerEntry

LOGIN_CHECK = "/nhissimpleauth/logincheck"


@dataclass(frozen=True, slots=True)
class Exchange:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    origin: str
    call: LedgerEntry

    @property
    def fields(self) -> dict[str, Any]:
        return token_fields(self.path, self.body)

    def text(self, name: str) -> str:
        """A field of the body; numbers count as text, as they do at the provider."""
        value = self.fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value:
            raise BadInputError(name, "is missing")
        return value


def token_fields(path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Where the fields of the authentication stand: LoginCheck takes them within `Auth`, the other calls bare."""
    found = (body or {}).get("Auth") if path.endswith(LOGIN_CHECK) else body
    return found if isinstance(found, dict) else {}


def normalise_path(path: str) -> str:
    """Lower case and single slashes: the provider takes `//api/...` and any case."""
    return "/" + "/".join(part for part in path.lower().split("/") if part)


def parse_body(raw: bytes) -> dict[str, Any] | None:
    """None for anything but a JSON object; the handlers refuse that in their own words."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
