"""Tells of lines: where everybody in one stands now, its board, and the halls that show it.

One object in the one process that leads. Others' changes move many people: each whose place or minutes changed is told
under their own lock, some at a time; the first ten at once, the rest now and then, and nobody whom it does not concern.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.clock import Clock
from core.logs import get_logger
from core.names import exam_subject, hall_subject, queue_subject
from core.settings import JourneySettings
from models.journey import Display, Exam, PatientState
from services.delivery.event_log import lock_shared_ends, read_shared_ends
from services.delivery.unit_of_work import UnitOfWork, Work
from services.journey.boards import Board, HospitalMoment, exam_update_body, read_board, read_boards
from services.journey.estimates import Estimator
from services.journey.halls import hall_body, hall_rows, hall_update_body, list_displays
from services.journey.line_events import queue_update_body
from services.journey.lines import LineEntry
from streams import InvalidEventError

log = get_logger(__name__)

NEAR_POSITIONS = 10
# With the clock of whoever calls `refresh` the rest is told within 15 s.
REST_EVERY_SECONDS = 9.0
_BATCH = 50
# Another that was stopped, and still takes itself for the leader, tells something once at most.
_TRIES = 3
# They change by themselves and are no news.
_VOLATILE = frozenset({"updated_at", "waited_minutes", "timestamp"})

_NOTE_TOLD = text("""
    update welno.queues q
    set told_position = told.position, estimated_wait_time = told.minutes, version = q.version + 1
    from unnest(
        cast(:queue_ids as uuid[]), cast(:versions as bigint[]),
        cast(:positions as bigint[]), cast(:minutes as bigint[])
    ) as told (queue_id, version, position, minutes)
    where q.queue_id = told.queue_id and q.version = told.version
    returning q.queue_id
""")
_LIVELY = text("""
    select exam_id from welno.queues where state in ('waiting', 'delayed', 'called', 'in_progress')
    union select exam_id from welno.shifts where ended_at is null
""")


@dataclass(frozen=True)
class Moved:
    """Who has to be told: soon, and with the rest."""

    near: Sequence[LineEntry]
    rest: Sequence[LineEntry]


def find_moved(board: Board) -> Moved:
    """Of those who wait, all whose place or minutes are others than they were told."""
    changed = [entry for entry in board.entries if entry.queue_id in board.estimates and _is_moved(board, entry)]
    near = [entry for entry in changed if entry.position <= NEAR_POSITIONS]
    return Moved(near, [entry for entry in changed if entry.position > NEAR_POSITIONS])


def _is_moved(board: Board, entry: LineEntry) -> bool:
    told = (entry.told_position, entry.told_minutes)
    return told != (entry.position, board.estimates[entry.queue_id].minutes)


def list_lively(session: Session) -> set[str]:
    """The exams with somebody in line, or at work."""
    return set(session.scalars(_LIVELY))


def list_exams(session: Session) -> set[str]:
    return set(session.scalars(select(Exam.exam_id)))


@dataclass
class LineRefresher:
    """Remembers what it has told of lines and halls; another that takes over tells it once more.

    Boards and halls are pictures that were read before they are numbered: whoever finds that another has told of them
    meanwhile begins with a new one, or an older picture would be the last.
    """

    unit_of_work: UnitOfWork
    settings: JourneySettings
    clock: Clock
    estimator: Estimator
    monotonic: Callable[[], float] = time.monotonic
    _told: dict[str, bytes] = field(default_factory=dict)
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _ends: dict[str, int] = field(default_factory=dict)  # of what it has told, the number of its last event
    _rest_told_at: dict[str, float] = field(default_factory=dict)

    def refresh(self, exam_id: str) -> bool:
        """Look at one line, and tell what has changed of it. Whether anybody is in it or at work on it: then it has to
        be looked at by the clock, too. Raises SQLAlchemyError."""
        for _ in range(_TRIES):
            with self.unit_of_work.reading() as work:
                board = read_board(work.session, exam_id, self.estimator, self._moment())
                displays = list_displays(work.session, [exam_id])
                screens = [exam_subject(exam_id), *(hall_subject(one.display_id) for one in displays)]
                ends = read_shared_ends(work.session, screens)
            if board is None:
                return False
            # What another has told since is on the screens, though it may be no news beside what this one told before.
            if any(self._ends.get(subject, end) != end for subject, end in ends.items()):
                self._forget_told(exam_id)
            # A call is shown to a hall at once, however many people of the line it moves.
            if self._tell_screens(board, displays, ends):
                self._tell_people(board)
                return bool(board.entries or board.shifts)
            self._forget_told(exam_id)
        return True

    def _forget_told(self, exam_id: str) -> None:
        log.warning("line_told_by_another", exam_id=exam_id)
        self._told, self._rows, self._ends = {}, {}, {}

    def _tell_people(self, board: Board) -> None:
        exam_id, moved = board.exam.exam_id, find_moved(board)
        told = list(moved.near)
        now = self.monotonic()
        if moved.rest and now - self._rest_told_at.get(exam_id, -REST_EVERY_SECONDS) >= REST_EVERY_SECONDS:
            self._rest_told_at[exam_id] = now
            told += moved.rest
        # In one order for all who lock many people.
        told.sort(key=lambda entry: entry.user_id)
        for first in range(0, len(told), _BATCH):
            self._tell_batch(board, told[first : first + _BATCH])

    def _tell_batch(self, board: Board, entries: Sequence[LineEntry]) -> None:
        """Whoever is being changed is left out, and so is what has changed since it was read: who changes it tells it,
        and wakes us."""
        with self.unit_of_work() as work:
            locked = _lock_people(work.session, [entry.user_id for entry in entries])
            noted = _note_told(work.session, board, [entry for entry in entries if entry.user_id in locked])
            for entry in entries:
                if entry.queue_id in noted:
                    estimate = board.estimates[entry.queue_id]
                    work.emit(queue_subject(entry.queue_id), queue_update_body(entry, estimate, board.now))

    def _tell_screens(self, board: Board, displays: Sequence[Display], ends: Mapping[str, int]) -> bool:
        """Staff's boards and halls: only of what is news. False, and nothing is told, when another has told of them
        since these pictures were read."""
        self._rows[board.exam.exam_id] = hall_rows(board)
        self._read_other_rows(displays)
        bodies = {exam_subject(board.exam.exam_id): exam_update_body(board)}
        for display in displays:
            bodies[hall_subject(display.display_id)] = hall_update_body(hall_body(display, self._rows, board.now))
        seen = {subject: orjson.dumps(_without_volatile(body)) for subject, body in bodies.items()}
        news = {subject: body for subject, body in bodies.items() if self._told.get(subject) != seen[subject]}
        if not news:
            return True
        with self.unit_of_work() as work:
            known = {subject: self._ends.get(subject, ends[subject]) for subject in news}
            if lock_shared_ends(work.session, news) != known:
                return False
            for subject, body in news.items():
                if not _tell_screen(work, subject, body):
                    del known[subject]
        self._ends |= {subject: end + 1 for subject, end in known.items()}
        self._told |= {subject: seen[subject] for subject in news}
        return True

    def _read_other_rows(self, displays: Sequence[Display]) -> None:
        """A hall shows several lines, and at the beginning not all of them are known."""
        missing = {exam_id for display in displays for exam_id in display.exam_ids} - self._rows.keys()
        if not missing:
            return
        with self.unit_of_work.reading() as work:
            boards = read_boards(work.session, missing, self.estimator, self._moment())
        self._rows |= {exam_id: hall_rows(boards[exam_id]) if exam_id in boards else [] for exam_id in missing}

    def _moment(self) -> HospitalMoment:
        return HospitalMoment.of(self.settings, self.clock.now())


def _tell_screen(work: Work, subject: str, body: dict[str, Any]) -> bool:
    """Whether it is told. One that cannot be must not keep the others back, nor the people."""
    try:
        work.emit(subject, body)
    except InvalidEventError:
        log.exception("screen_not_told", subject=subject)  # its readers ask for it themselves
        return False
    return True


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_volatile(inner) for name, inner in value.items() if name not in _VOLATILE}
    if isinstance(value, list):
        return [_without_volatile(inner) for inner in value]
    return value


def _lock_people(session: Session, user_ids: Sequence[UUID]) -> set[UUID]:
    query = select(PatientState.user_id).where(PatientState.user_id.in_(user_ids)).order_by(PatientState.user_id)
    return set(session.scalars(query.with_for_update(skip_locked=True)))


def _note_told(session: Session, board: Board, entries: Sequence[LineEntry]) -> set[UUID]:
    parameters = {
        "queue_ids": [entry.queue_id for entry in entries],
        "versions": [entry.version for entry in entries],
        "positions": [entry.position for entry in entries],
        "minutes": [board.estimates[entry.queue_id].minutes for entry in entries],
    }
    return set(session.scalars(_NOTE_TOLD, parameters))
