"""Parses the provider's server-sent events out of bytes that come torn anywhere, also within a letter."""

import re
from dataclasses import dataclass
from typing import Any

from upstream.lenient_json import read_object

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """One event exceeds the bound."""

    retryable = False


@dataclass(frozen=True, slots=True, repr=False)
class ProviderEvent:
    """`name` is that of the `event:` line, empty without one; `data` the bytes of its `data:` lines."""

    name: str
    data: bytes


def read_event(event: ProviderEvent) -> dict[str, Any]:
    """Empty for pings, `[DONE]` and what is no object."""
    return (read_object(event.data) or {}) if event.data.lstrip().startswith(b"{") else {}


class EventParser:
    def __init__(self, max_event_bytes: int) -> None:
        self._max_event_bytes = max_event_bytes
        self._rest = b""
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0
        self._is_first = True

    def feed(self, piece: bytes) -> list[ProviderEvent]:
        """The events that it completes. Raises EventTooLarge."""
        if b"\n" not in piece and b"\r" not in piece and not self._rest.endswith(b"\r"):
            self._rest += piece
            self._require_small(len(self._rest))
            return []
        text = self._rest + piece
        # A CR at the very end may be the first half of a CRLF.
        held_back = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(text.removesuffix(held_back) if held_back else text)
        self._rest = rest + held_back
        events = [event for line in lines if (event := self._take_line(line)) is not None]
        self._require_small(len(self._rest))
        return events

    def _take_line(self, line: bytes) -> ProviderEvent | None:
        if self._is_first:
            line, self._is_first = line.removeprefix(_BOM), False
        if not line:
            return self._finish_event()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value
        elif field == b"data":
            self._size += len(value) + 1
            self._require_small(0)
            self._data.append(value)
        return None

    def _finish_event(self) -> ProviderEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = b"", [], 0
        return ProviderEvent(name.decode("utf-8", "replace"), b"\n".join(data)) if name or data else None

    def _require_small(self, more: int) -> None:
        if self._size + more > self._max_event_bytes:
            raise EventTooLarge
