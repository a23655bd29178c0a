"""An answer before it is written: status, headers and the parts of its body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """The body stays in parts, so that a cached list of 30 MiB is never copied."""

    status: int
    parts: tuple[bytes, ...]
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    error_code: int | None = None

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


def json_reply(body: Any, status: int = 200, error_code: int | None = None) -> Reply:
    return Reply(status, (orjson.dumps(body),), error_code=error_code)


def html_reply(text: str, status: int = 200) -> Reply:
    return Reply(status, (text.encode(),), HTML)


NOT_FOUND = json_reply({"Message": "No HTTP resource was found that matches the request URI."}, 404)
