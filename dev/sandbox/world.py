"""Everything a reset forgets, in one object; calls under way keep the world they began in."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dev.sandbox.approvals import Approvals
from dev.sandbox.faults import Faults
from dev.sandbox.ledger import Ledger
from dev.sandbox.miso.state import MisoState
from dev.sandbox.people import People
from dev.sandbox.reports import Reports

KOREA_HOURS = 9
LOGIN_CHECK_VERSIONS = ("v2.0", "v1.0")


def today_in_korea() -> date:
    return (datetime.now(UTC) + timedelta(hours=KOREA_HOURS)).date()


@dataclass(frozen=True, slots=True)
class LoginCheckTraits:
    """`missing`: versions that answer 404. `v1_stays_false`: the old one never hears of an approval."""

    missing: frozenset[str] = frozenset()
    v1_stays_false: bool = False


@dataclass(slots=True)
class World:
    people: People = field(default_factory=People)
    approvals: Approvals = field(default_factory=Approvals)
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    reports: Reports = field(default_factory=Reports)
    miso: MisoState = field(default_factory=MisoState)
    login_check: LoginCheckTraits = LoginCheckTraits()
    today: date = field(default_factory=today_in_korea)
    emr: dict[str, dict[str, Any]] = field(default_factory=dict)
