"""One change of one journey: its transaction, its moment, its rules, and the numbers of the events that it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.clock import Clock
from core.settings import JourneySettings
from services.delivery.unit_of_work import UnitOfWork, Work
from services.journey.dynamic_tags import TagKeys
from services.journey.errors import StateConflict
from services.journey.estimates import Estimator
from services.journey.tags import FoundTag

ResultT = TypeVar("ResultT")


def begin_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The zone's midnight, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass
class JourneyWork:
    """`now` is one moment for the whole change."""

    work: Work
    settings: JourneySettings
    estimator: Estimator
    tag_keys: TagKeys
    now: datetime
    request_id: str
    # The tag that the change has found, and whether it has logged that as a scan.
    found_tag: FoundTag | None = None
    # Of whose scan the change has claimed the token: what a dynamic tag said was taken when that was given.
    claimed_tag: str | None = None
    # Whose journey was locked last.
    locked_person: UUID | None = None
    _numbers: dict[str, int] = field(default_factory=dict)
    _emitted: set[str] = field(default_factory=set)

    @property
    def session(self) -> Session:
        return self.work.session

    @property
    def today(self) -> date:
        """The hospital's."""
        return self.now.astimezone(self.settings.time_zone).date()

    @property
    def day_begins(self) -> datetime:
        return begin_of_day(self.today, self.settings.time_zone)

    @property
    def day_ends(self) -> datetime:
        return begin_of_day(self.today + timedelta(days=1), self.settings.time_zone)

    @property
    def has_changed(self) -> bool:
        """Whether anything was told: no change is without an event."""
        return bool(self._emitted)

    def begin_numbers(self, subject: str, event_seq: int) -> None:
        """The subject's row is locked and stands there: nobody else numbers its events until the end."""
        if subject not in self._emitted:
            self._numbers[subject] = event_seq

    def number_of(self, subject: str) -> int:
        """Of the last event of a locked subject, with those that this change has told."""
        return self._numbers[subject]

    def number_with_own(self, subject: str, stored: int) -> int:
        """Of its last event, when the row says `stored`: the row is told of this change's own events at its end."""
        return self._numbers[subject] if subject in self._emitted else stored

    def emit(self, subject: str, body: dict[str, Any]) -> None:
        """Tell an event of a locked subject."""
        self._emitted.add(subject)
        self._numbers[subject] += 1
        self.work.emit(subject, body)


class Journeys:
    """Opens changes; built once by each process. `open` is for an edge that does more in the same transaction."""

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        settings: JourneySettings,
        clock: Clock,
        estimator: Estimator,
        tag_keys: TagKeys,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._settings = settings
        self._clock = clock
        self._estimator = estimator
        self._tag_keys = tag_keys

    def open(self, work: Work, request_id: str = "") -> JourneyWork:
        return JourneyWork(work, self._settings, self._estimator, self._tag_keys, self._clock.now(), request_id)

    def run(self, change: Callable[[JourneyWork], ResultT], request_id: str = "") -> ResultT:
        """In a transaction of its own; once more when a tool has changed a row meanwhile without its lock.

        Raises what the change raises, StateConflict when it was overtaken twice.
        """
        try:
            return self._run(change, request_id)
        except StaleDataError:
            pass
        try:
            return self._run(change, request_id)
        except StaleDataError as exc:
            raise StateConflict from exc

    def read(self, look: Callable[[JourneyWork], ResultT]) -> ResultT:
        """What changes nothing, in a transaction of its own: all its statements see the same moment, so that a place, a
        state and the number of the last event belong together. Raises what it raises."""
        with self._unit_of_work.reading() as work:
            return look(self.open(work))

    def _run(self, change: Callable[[JourneyWork], ResultT], request_id: str) -> ResultT:
        with self._unit_of_work() as work:
            return change(self.open(work, request_id))
