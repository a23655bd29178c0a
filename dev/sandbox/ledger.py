"""What the provider remembers: every call, what was billed, and which answers were served."""

import hashlib
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dev.sandbox.records import CHECKUPS, PRESCRIPTIONS, Question

MAX_CALLS = 200_000  # a load test of polls must not eat the memory; the billed totals are kept apart and stay exact
MAX_KEYS = 100_000
PRICE = Decimal("100.00")
FIRST_BALANCE = Decimal("1000000.00")


@dataclass(slots=True)
class LedgerEntry:
    """One call of a provider's endpoint. `status` is None while it is under way, and when it was cut."""

    n: int
    at: datetime
    path: str
    started: float
    cxid: str | None = None
    tid: str | None = None
    status: int | None = None
    error_code: int | None = None
    billed: bool = False
    delivered: bool | None = None
    duration_ms: float | None = None

    def finish(self, *, status: int | None, delivered: bool) -> None:
        self.status = status
        self.delivered = delivered
        self.duration_ms = round((time.monotonic() - self.started) * 1000, 3)

    def describe(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "at": self.at.isoformat(),
            "path": self.path,
            "cxid": self.cxid,
            "tid": self.tid,
            "status": self.status,
            "error_code": self.error_code,
            "billed": self.billed,
            "delivered": self.delivered,
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True, slots=True)
class Served:
    """Enough to give the exact bytes of a data answer again: its head, and the question its list answers."""

    head: bytes
    question: Question


@dataclass(slots=True)
class Ledger:
    balance: Decimal = FIRST_BALANCE
    billed: dict[str, Counter[str]] = field(default_factory=dict)
    reports: Counter[str] = field(default_factory=Counter)
    served: dict[str, list[Served]] = field(default_factory=dict)
    reused_keys: int = 0
    calls: deque[LedgerEntry] = field(default_factory=lambda: deque(maxlen=MAX_CALLS))
    _count: int = 0
    _keys: set[bytes] = field(default_factory=set)

    def begin(self, path: str) -> LedgerEntry:
        self._count += 1
        call = LedgerEntry(self._count, datetime.now(UTC), path, time.monotonic())
        self.calls.append(call)
        return call

    def bill_data(self, call: LedgerEntry, cxid: str, kind: str) -> None:
        """Every successful data call costs, also the second for the same records."""
        call.billed = True
        self.balance -= PRICE
        self.billed.setdefault(cxid, Counter())[kind] += 1

    def bill_report(self, call: LedgerEntry, tid: str) -> None:
        call.billed = True
        self.reports[tid] += 1

    def note_served(self, cxid: str, served: Served) -> None:
        self.served.setdefault(cxid, []).append(served)

    def note_key(self, key: bytes) -> None:
        """Count an AES key that comes a second time: with a zero IV that would show equal names as equal."""
        digest = hashlib.sha256(key).digest()[:16]
        if digest in self._keys:
            self.reused_keys += 1
        elif len(self._keys) < MAX_KEYS:
            self._keys.add(digest)

    def describe_calls(self, path: str, cxid: str) -> dict[str, Any]:
        chosen = (c for c in self.calls if path.lower() in c.path.lower() and (not cxid or c.cxid == cxid))
        return {
            "calls": [call.describe() for call in chosen],
            "billed": {
                one: {CHECKUPS: counts[CHECKUPS], PRESCRIPTIONS: counts[PRESCRIPTIONS]}
                for one, counts in self.billed.items()
                if not cxid or one == cxid
            },
            "reports": dict(self.reports),
            "reused_keys": self.reused_keys,
            "point_balance": str(self.balance),
        }
