"""Faults that a test or a demo asks for: wrong answers, delays, cut connections, calls that are held.

Where a fault strikes:
- `delay_seconds` and `hold: "before"` wait before the call has any effect.
- `status`, `error_code`, `message`, `html`, `malformed` replace the answer: the call has no effect and costs nothing.
- `cut: "before"` closes the connection without an answer, without effect.
- `cut: "during"` has its effect (and its bill) and breaks off in the middle of the body.
- `hold: "after"` lets the call have its effect (and its bill) first, then waits; what else the fault says comes then.
- `hold_seconds` ends a hold by itself.
- `match` strikes only calls of MISO whose body holds this text; what else is MISO's: see `dev.sandbox.miso.traits`.
- `reshape` changes the bytes of the real answer, which has had its effect (and its bill): see `dev.sandbox.reshaping`.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dev.sandbox.errors import BadInputError, NotFoundError
from dev.sandbox.inputs import Fields, read_choice, read_count, read_flag, read_seconds, read_text, refuse_unknown
from dev.sandbox.miso.traits import MISO_FIELDS, UNTOUCHED, MisoTraits, read_traits
from dev.sandbox.replies import JSON, Reply, html_reply, json_reply
from dev.sandbox.reshaping import Reshaping, read_reshaping
from dev.sandbox.tilko_envelope import error_envelope

BEFORE, AFTER, DURING = "before", "after", "during"
ACTIONS = frozenset(
    {"status", "error_code", "message", "headers", "html", "delay_seconds", "cut", "malformed", "hold", "reshape"},
)
KNOWN = ACTIONS | MISO_FIELDS | {"path", "calls", "cxid", "match", "method", "hold_seconds"}
BROKEN_JSON = b'{"Status": "OK", "ErrorCode": 0, "ResultList": [{"Year": "20'
DEFAULT_MESSAGE = "일시적인 오류가 발생했습니다."


@dataclass(frozen=True, slots=True)
class CallAtHand:
    """What a fault may choose a call by; `holds` tells whether its body holds a text."""

    path: str
    cxid: str | None = None
    method: str = "POST"
    holds: Callable[[str], bool] = lambda _text: False


@dataclass(slots=True)
class Fault:
    """`calls_left` None: until it is deleted."""

    fault_id: str
    path: str
    calls_left: int | None
    cxid: str | None = None
    match: str | None = None
    method: str | None = None
    status: int | None = None
    error_code: int | None = None
    message: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    html: bool = False
    delay_seconds: float | None = None
    cut: str | None = None
    malformed: bool = False
    hold: str | None = None
    hold_seconds: float | None = None
    reshape: Reshaping | None = None
    miso: MisoTraits = UNTOUCHED
    hits: int = 0
    waiting: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, call: CallAtHand) -> bool:
        names_it = self.calls_left != 0 and self.path in call.path.lower() and self.cxid in (None, call.cxid)
        return names_it and self.method in (None, call.method) and (self.match is None or call.holds(self.match))

    def strike(self) -> None:
        self.hits += 1
        if self.calls_left is not None:
            self.calls_left -= 1

    @property
    def replaces_answer(self) -> bool:
        texts = (self.status, self.error_code, self.message, self.miso.code if self.miso.replaces_answer else None)
        return self.html or self.malformed or any(value is not None for value in texts)

    @property
    def lets_call_happen(self) -> bool:
        """Does the call have its effect (and its bill) before this fault spoils the answer?"""
        happens = self.hold == AFTER or self.miso.while_running
        return happens or not (self.replaces_answer or self.cut == BEFORE)

    @property
    def says_something(self) -> bool:
        waits_or_cuts = self.delay_seconds or self.cut or self.hold
        return bool(self.replaces_answer or waits_or_cuts or self.headers or self.reshape or self.miso != UNTOUCHED)

    async def wait_before(self) -> None:
        if self.delay_seconds is not None:
            await asyncio.sleep(self.delay_seconds)
        if self.hold == BEFORE:
            await self._wait_for_release()

    async def wait_after(self) -> None:
        if self.hold == AFTER:
            await self._wait_for_release()

    async def _wait_for_release(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self.hold_seconds):
                await self._released.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting -= 1

    def release(self) -> None:
        self._released.set()

    def spoil(self, *, speaks_mediarc: bool) -> Reply:
        status = self.status or 200
        if self.malformed:
            return Reply(status, (BROKEN_JSON,), JSON, self.headers)
        message = self.message or DEFAULT_MESSAGE
        if self.html:
            page = html_reply(f"<!DOCTYPE html><html><body><h1>{message}</h1></body></html>", status)
            return Reply(status, page.parts, page.content_type, self.headers)
        if speaks_mediarc:
            return Reply(self.status or 500, json_reply({"error": message}).parts, JSON, self.headers)
        code = self.error_code or 0
        parts = json_reply(error_envelope(message, code)).parts
        return Reply(status, parts, JSON, self.headers, error_code=code)

    def describe(self) -> dict[str, Any]:
        return {
            "fault_id": self.fault_id,
            "path": self.path,
            "cxid": self.cxid,
            "calls_left": self.calls_left,
            "hits": self.hits,
            "waiting": self.waiting,
        }


def _read_headers(body: Fields) -> dict[str, str]:
    headers = body.get("headers", {})
    if not isinstance(headers, dict):
        raise BadInputError("headers", "must be an object of texts")
    for name, value in headers.items():
        if not isinstance(value, str) or not value.isprintable() or not name.isascii():
            raise BadInputError("headers", "must be an object of texts")
    return headers


def _read_optional_text(body: Fields, name: str) -> str | None:
    return None if body.get(name) is None else read_text(body, name)


def _read_hold(body: Fields) -> str | None:
    if body.get("hold") is True:
        return BEFORE
    return read_choice(body, "hold", (BEFORE, AFTER)) if body.get("hold") else None


def read_fault(fault_id: str, body: Fields) -> Fault:
    refuse_unknown(body, KNOWN)
    fault = Fault(
        fault_id=fault_id,
        path=read_text(body, "path").lower(),
        calls_left=read_count(body, "calls", None, low=1),
        cxid=_read_optional_text(body, "cxid"),
        match=_read_optional_text(body, "match"),
        method=_read_optional_text(body, "method"),
        status=read_count(body, "status", None, low=200, high=599),
        error_code=read_count(body, "error_code", None),
        message=_read_optional_text(body, "message"),
        headers=_read_headers(body),
        html=read_flag(body, "html"),
        delay_seconds=read_seconds(body, "delay_seconds"),
        cut=read_choice(body, "cut", (BEFORE, DURING)) if body.get("cut") is not None else None,
        malformed=read_flag(body, "malformed"),
        hold=_read_hold(body),
        hold_seconds=read_seconds(body, "hold_seconds"),
        reshape=read_reshaping(body["reshape"]) if body.get("reshape") is not None else None,
        miso=read_traits(body),
    )
    if not fault.says_something:
        raise BadInputError("fault", f"says nothing to do: give one of {', '.join(sorted(ACTIONS | MISO_FIELDS))}")
    return fault


class Faults:
    """The faults that are set, oldest first; one call meets at most one of them."""

    def __init__(self) -> None:
        self._set: dict[str, Fault] = {}
        self._numbers = itertools.count(1)

    def add(self, body: Fields) -> Fault:
        fault = read_fault(f"f{next(self._numbers)}", body)
        self._set[fault.fault_id] = fault
        return fault

    def take(self, call: CallAtHand) -> Fault | None:
        for fault in self._set.values():
            if fault.fits(call):
                fault.strike()
                return fault
        return None

    def release(self, fault_id: str) -> None:
        self._find(fault_id).release()

    def remove(self, fault_id: str) -> None:
        """A fault that is gone holds nobody."""
        self._find(fault_id).release()
        del self._set[fault_id]

    def clear(self) -> None:
        for fault in self._set.values():
            fault.release()
        self._set.clear()

    def describe(self) -> list[dict[str, Any]]:
        return [fault.describe() for fault in self._set.values()]

    def _find(self, fault_id: str) -> Fault:
        if fault_id not in self._set:
            raise NotFoundError("fault_id")
        return self._set[fault_id]
