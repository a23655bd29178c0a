"""Decisions about runs: which step comes next, how long to wait before another try, when a poll is due. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.names import Step

_ORDER = tuple(Step)
# A step that took its process down with it so often is taken for poison, and stops for the operators to see.
MAX_TAKEOVERS = 20
# LoginCheck has been seen to say yes up to five seconds after the approval.
APPROVAL_PROPAGATION_DELAY = timedelta(seconds=6)
FAST_POLLS = 5
# A session that waits for days is polled thousands of times: such a power is no float.
_MAX_GROWTH_STEPS = 100
_SHORTEST_KEY_PAUSE, _LONGEST_KEY_PAUSE = timedelta(seconds=1), timedelta(seconds=60)
# A provider's Retry-After is honoured up to here; beyond, the person would rather know.
_LONGEST_ASKED_SECONDS = 300.0


# From here on everything that was paid for is on disk: such a run is never let go, not even with its session.
SAVING_STEPS = (Step.IDENTIFY_PATIENT, Step.SAVE_FILES, Step.IMPORT_FILES, Step.MAKE_REPORT, Step.FINISH)


@dataclass(frozen=True)
class Retry:
    """How a step is tried again: how often in all (None: for as long as it takes), the first pause and the longest one,
    in seconds."""

    max_attempts: int | None
    base_seconds: float
    max_seconds: float


def next_step(step: Step, *, wants_report: bool) -> Step | None:
    """The step after this one; None after the last. A report is made only for those who came for it."""
    position = _ORDER.index(step) + 1
    if position < len(_ORDER) and _ORDER[position] == Step.MAKE_REPORT and not wants_report:
        position += 1
    return _ORDER[position] if position < len(_ORDER) else None


def asks_for_report(redirect_path: str | None) -> bool:
    """Whether the person came for a report."""
    return "disease-report" in (redirect_path or "")


def wants_report(redirect_path: str | None, health_count: int | None) -> bool:
    """Whether there is one to make."""
    return asks_for_report(redirect_path) and bool(health_count)


# Each of them asks a provider about the person.
_CONSENTED_STEPS = frozenset(
    {Step.REQUEST_SIMPLE_AUTH, Step.POLL_SIMPLE_AUTH, Step.FETCH_HEALTH_DATA, Step.FETCH_PRESCRIPTIONS}
)


def lacks_consent(step: Step, consents_until: datetime | None, now: datetime) -> bool:
    """Whether a run may not do this step any more. What was collected while the consents held is still saved; the
    report has a consent of its own."""
    return step in _CONSENTED_STEPS and (consents_until is None or consents_until <= now)


def retry_delay(
    retry: Retry, failed_attempts: int, *, chance: float, asked_seconds: float | None = None
) -> timedelta | None:
    """The pause before the next try, or None when it was the last.

    Doubling from the base, cut at the longest, spread over its upper half by `chance` (0 to 1) so that many sessions
    do not come back together; never shorter than the provider asked for.
    """
    if retry.max_attempts is not None and failed_attempts >= retry.max_attempts:
        return None
    grown = min(retry.base_seconds * 2 ** min(failed_attempts - 1, _MAX_GROWTH_STEPS), retry.max_seconds)
    return timedelta(seconds=max(grown * (0.5 + chance / 2), min(asked_seconds or 0, _LONGEST_ASKED_SECONDS)))


def key_delay(waited: timedelta) -> timedelta:
    """The pause until a run is offered again that a process could not open: as long as it has waited so far, so pauses
    double without being counted."""
    return min(max(waited, _SHORTEST_KEY_PAUSE), _LONGEST_KEY_PAUSE)


def is_overdue(approve_by: datetime | None, now: datetime) -> bool:
    """Whether a request can be approved no longer. None, of one from before there was a limit: it always can."""
    return approve_by is not None and approve_by <= now


def is_past_last_check(approve_by: datetime | None, now: datetime) -> bool:
    """Whether the provider has told of all that was approved in time: it hears of an approval some seconds late."""
    return approve_by is not None and approve_by + APPROVAL_PROPAGATION_DELAY <= now


def poll_delay(polls: int, *, interval_seconds: float, slow_max_seconds: float) -> float:
    """Seconds until the next poll after so many: steady for the first five, then growing by half up to the longest."""
    if polls < FAST_POLLS:
        return interval_seconds
    growth = 1.5 ** min(polls - FAST_POLLS + 1, _MAX_GROWTH_STEPS)
    return min(interval_seconds * growth, max(slow_max_seconds, interval_seconds))
