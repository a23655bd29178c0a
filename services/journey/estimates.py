"""How long somebody in line still waits: the Estimator interface, and the rule-based one with its band."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# What a line's past is read from, and how much of it there must be before it is believed.
RECENT_EXAMS, FEWEST_EXAMS = 20, 3
RECENT_CALLS, FEWEST_CALLS = 200, 30
BAND_SHARES = (0.1, 0.9)

_DEFAULT_EXAM_MINUTES = 10.0
_DEFAULT_RATIOS = (0.5, 1.5)
_NARROWEST_MINUTES = 1


class EstimateBasis(StrEnum):
    """Where the length of an exam comes from: today's own, or a number that was set."""

    HISTORY = "history"
    FIXED = "fixed"


@dataclass(frozen=True)
class LineRates:
    """How one line moves.

    `mean_minutes` is that of the last `exam_count` completed exams of today, RECENT_EXAMS at most. `ratios` are the
    percentiles BAND_SHARES of actual to predicted wait of the last `call_count` calls, RECENT_CALLS at most. `desks`
    are open shifts, `busy` entries that are called or in progress.
    """

    exam_count: int = 0
    mean_minutes: float | None = None
    average_minutes: float | None = None
    call_count: int = 0
    ratios: tuple[float, float] | None = None
    desks: int = 0
    busy: int = 0


@dataclass(frozen=True)
class Estimate:
    """Whole minutes that are still to wait, and the band in which four of five real waits lie."""

    minutes: int
    low: int
    high: int
    basis: EstimateBasis


class Estimator(Protocol):
    """Whatever can tell a wait from how a line moves: a rule, or a model that was trained."""

    def estimate(self, rates: LineRates, ahead: int) -> Estimate:
        """`ahead` counts who is called before this person, without those called or in progress."""
        ...


class RuleBasedEstimator:
    """Queueing theory's rule for several desks: who leaves next leaves in s/c if all are busy."""

    def estimate(self, rates: LineRates, ahead: int) -> Estimate:
        exam_minutes, basis = _exam_minutes(rates)
        desks = max(rates.desks, 1)
        minutes = _round(_wait_minutes(exam_minutes, desks, min(rates.busy, desks), ahead))
        low, high = _band(minutes, rates)
        return Estimate(minutes, low, high, basis)


def _exam_minutes(rates: LineRates) -> tuple[float, EstimateBasis]:
    """The mean, not the median: exams take long now and then, and whoever waits waits for those, too."""
    if rates.exam_count >= FEWEST_EXAMS and rates.mean_minutes is not None:
        return rates.mean_minutes, EstimateBasis.HISTORY
    return rates.average_minutes or _DEFAULT_EXAM_MINUTES, EstimateBasis.FIXED


def _wait_minutes(exam_minutes: float, desks: int, busy: int, ahead: int) -> float:
    """`must_leave` have to leave a desk first. With all desks busy the first of them is some way through already: the
    soonest of c remaining times, s/(c+1) where their lengths are alike."""
    must_leave = ahead + busy + 1 - desks
    if must_leave <= 0:
        return 0.0
    if busy < desks:
        return exam_minutes * must_leave / desks
    return exam_minutes * (must_leave - 1) / desks + exam_minutes / (desks + 1)


def _band(minutes: int, rates: LineRates) -> tuple[int, int]:
    is_known = rates.call_count >= FEWEST_CALLS and rates.ratios is not None
    low_ratio, high_ratio = rates.ratios if is_known and rates.ratios else _DEFAULT_RATIOS
    low = _round(minutes * low_ratio)
    return low, max(_round(minutes * high_ratio), low + _NARROWEST_MINUTES)


def _round(minutes: float) -> int:
    """Half a minute is told as a whole one: Python's own rounding would tell 2.5 as 2."""
    return int(minutes + 0.5)
