"""Every call of MISO with the body as it came, to be searched for what must never have left."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_KEPT_CALLS = 20_000


@dataclass(slots=True)
class MisoCall:
    """`status` is None while it is under way, and when it was cut."""

    n: int
    path: str
    body: str
    parsed: dict[str, Any] | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    user: str | None = None
    mode: str | None = None
    status: int | None = None
    billed: bool = False
    delivered: bool | None = None
    stopped: bool = False
    workflow_run_id: str | None = None
    task_id: str | None = None
    duration_ms: float | None = None
    _started: float = field(default_factory=time.monotonic)

    def finish(self, *, status: int | None, delivered: bool) -> None:
        self.status = status
        self.delivered = delivered
        self.duration_ms = round((time.monotonic() - self._started) * 1000, 3)

    def holds(self, text: str) -> bool:
        """Also where the body has it escaped."""
        return text in self.body or (self.parsed is not None and text in orjson.dumps(self.parsed).decode())

    def describe(self) -> dict[str, Any]:
        names = ("n", "path", "user", "mode", "body", "status", "billed", "delivered", "stopped", "workflow_run_id")
        more = {"at": self.at.isoformat(), "task_id": self.task_id, "duration_ms": self.duration_ms}
        return {name: getattr(self, name) for name in names} | more


class MisoCalls:
    """The latest MAX_KEPT_CALLS; what was billed is counted apart and stays exact."""

    def __init__(self) -> None:
        self._calls: deque[MisoCall] = deque(maxlen=MAX_KEPT_CALLS)
        self._count = 0
        self.billed: Counter[str] = Counter()

    def begin(self, path: str, body: str, parsed: dict[str, Any] | None) -> MisoCall:
        self._count += 1
        call = MisoCall(self._count, path, body, parsed)
        call.user = _text_of(parsed, "user")
        call.mode = _text_of(parsed, "mode") or _text_of(parsed, "response_mode")
        self._calls.append(call)
        return call

    def bill(self, call: MisoCall) -> None:
        call.billed = True
        self.billed[call.user or ""] += 1

    def note_stop(self, task_id: str) -> None:
        for call in self._calls:
            if call.task_id == task_id:
                call.stopped = True

    def describe(self, path: str, user: str, match: str) -> dict[str, Any]:
        chosen = (
            call
            for call in self._calls
            if path in call.path and (not user or call.user == user) and (not match or call.holds(match))
        )
        billed = {one: times for one, times in self.billed.items() if not user or one == user}
        return {"calls": [call.describe() for call in chosen], "billed": billed}


def _text_of(body: dict[str, Any] | None, name: str) -> str | None:
    value = (body or {}).get(name)
    return value if isinstance(value, str) else None
