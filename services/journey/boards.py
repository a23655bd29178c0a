"""The board of one line: everybody who is inside, called or waiting, the open shifts, how well waits were told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.names import JourneyEvent
from core.settings import JourneySettings
from models.accounts import Account
from models.journey import Exam, HospitalRoom, JourneyUser, QueueState, Shift
from services.journey.estimates import Estimate, Estimator
from services.journey.line_events import estimate_body
from services.journey.line_rates import read_line_rates
from services.journey.lines import LineEntry, read_lines
from services.journey.wait_errors import WaitErrors, read_wait_errors
from services.journey.work import begin_of_day

# What of a line a stream tells: of who waits, the next ones; of who is called or inside, who was moved last.
_MOST_WAITING_TOLD = 30
_MOST_INSIDE_TOLD = 60


@dataclass(frozen=True)
class HospitalMoment:
    """When lines are read: the moment, the hospital's midnight before, how often one may be overtaken."""

    now: datetime
    day_begins: datetime
    overtake_limit: int

    @classmethod
    def of(cls, settings: JourneySettings, now: datetime) -> Self:
        day_begins = begin_of_day(now.astimezone(settings.time_zone).date(), settings.time_zone)
        return cls(now, day_begins, settings.overtake_limit)


@dataclass(frozen=True)
class BoardShift:
    """An open shift, with the names that colleagues know."""

    shift_id: int
    exam_id: str
    staff_id: UUID
    staff_name: str
    room: HospitalRoom
    started_at: datetime


@dataclass(frozen=True)
class Board:
    """One line at one moment. `room` is the exam's usual one, `rooms` all that are worked in or called into, by their
    ids. `estimates` are of those who wait, by queue_id; `tail` of whoever would join now."""

    exam: Exam
    room: HospitalRoom | None
    rooms: Mapping[str, HospitalRoom]
    entries: Sequence[LineEntry]
    estimates: Mapping[UUID, Estimate]
    tail: Estimate
    shifts: Sequence[BoardShift]
    errors: WaitErrors
    now: datetime

    def room_of(self, entry: LineEntry) -> HospitalRoom | None:
        """Where its person is shown to, as in a snapshot: the room of their call, else the exam's."""
        return self.room if entry.room_id is None else self.rooms[entry.room_id]


def read_board(session: Session, exam_id: str, estimator: Estimator, moment: HospitalMoment) -> Board | None:
    """None for an exam that does not exist."""
    return read_boards(session, [exam_id], estimator, moment).get(exam_id)


def read_boards(
    session: Session, exam_ids: Collection[str], estimator: Estimator, moment: HospitalMoment
) -> dict[str, Board]:
    """Of the exams that exist. In five statements, however many and however long their lines; in six where somebody was
    called into a room that nobody works in."""
    exams = session.execute(select(Exam, HospitalRoom).outerjoin(HospitalRoom).where(Exam.exam_id.in_(exam_ids))).all()
    lines = read_lines(session, exam_ids, moment.overtake_limit)
    rates = read_line_rates(session, exam_ids, moment.day_begins)
    shifts = _read_shifts(session, exam_ids)
    errors = read_wait_errors(session, exam_ids, moment.day_begins)
    known = [room for _, room in exams if room is not None] + [shift.room for shift in shifts]
    rooms = _read_rooms(session, known, {entry.room_id for line in lines.values() for entry in line})
    boards = {}
    for exam, room in exams:
        waiting = [entry for entry in lines[exam.exam_id] if not entry.is_inside]
        how_it_moves = rates[exam.exam_id]
        boards[exam.exam_id] = Board(
            exam=exam,
            room=room,
            rooms=rooms,
            entries=lines[exam.exam_id],
            estimates={entry.queue_id: estimator.estimate(how_it_moves, entry.ahead) for entry in waiting},
            tail=estimator.estimate(how_it_moves, sum(entry.state == QueueState.WAITING for entry in waiting)),
            shifts=[shift for shift in shifts if shift.exam_id == exam.exam_id],
            errors=errors[exam.exam_id],
            now=moment.now,
        )
    return boards


def read_names(session: Session, board: Board) -> dict[UUID, str]:
    """Of the people on the board, for staff who call them by voice."""
    user_ids = {entry.user_id for entry in board.entries}
    rows = session.execute(select(JourneyUser.user_id, JourneyUser.name).where(JourneyUser.user_id.in_(user_ids)))
    return {row.user_id: row.name for row in rows}


def board_body(board: Board, names: Mapping[UUID, str] | None = None) -> dict[str, Any]:
    """As it is answered; without `names` it says nothing of who they are, and may lie in streams."""
    return {
        "exam_id": board.exam.exam_id,
        "exam_name": board.exam.title,
        "waiting_count": sum(not entry.is_inside for entry in board.entries),
        "inside_count": sum(entry.is_inside for entry in board.entries),
        "queues": [_entry_body(board, entry, names) for entry in board.entries],
        "shifts": [_shift_body(shift) for shift in board.shifts],
        "errors": {
            "calls": board.errors.calls,
            "median_error": board.errors.median_error,
            "bias": board.errors.bias,
            "coverage": board.errors.coverage,
        },
        "updated_at": board.now,
    }


def streamed_board_body(board: Board) -> dict[str, Any]:
    """As streams tell it: without names, and not all of many people, as it has to fit into one frame. The counts are
    of the whole line."""
    inside = [entry for entry in board.entries if entry.is_inside]
    waiting = [entry for entry in board.entries if not entry.is_inside]
    newest = {entry.queue_id for entry in sorted(inside, key=_moved_at, reverse=True)[:_MOST_INSIDE_TOLD]}
    told = [entry for entry in inside if entry.queue_id in newest] + waiting[:_MOST_WAITING_TOLD]
    counts = {"waiting_count": len(waiting), "inside_count": len(inside)}
    return board_body(replace(board, entries=told)) | counts


def _moved_at(entry: LineEntry) -> datetime:
    """When whoever is called or inside was called, answered or went in: the last of it."""
    moments = (entry.last_called_at, entry.call_seen_at, entry.started_at)
    return max((moment for moment in moments if moment is not None), default=entry.joined_at)


def exam_update_body(board: Board) -> dict[str, Any]:
    """The numbered event of the line. It is told at each change, and kept for days."""
    return {"type": JourneyEvent.EXAM_UPDATE, "timestamp": board.now, "data": streamed_board_body(board)}


def room_body(room: HospitalRoom | None) -> dict[str, Any] | None:
    return None if room is None else {"room_id": room.room_id, "title": room.title, "floor": room.floor}


def _entry_body(board: Board, entry: LineEntry, names: Mapping[UUID, str] | None) -> dict[str, Any]:
    estimate, room = board.estimates.get(entry.queue_id), board.room_of(entry)
    body: dict[str, Any] = {
        "queue_id": entry.queue_id,
        "queue_number": entry.queue_number,
        "state": str(entry.state),
        "journey_state": str(entry.journey_state),
        "position": entry.position,
        "room_id": room and room.room_id,
        "waited_minutes": max(int((board.now - entry.joined_at).total_seconds() // 60), 0),
        "estimate": estimate and estimate_body(estimate),
        "priority": entry.priority,
        "priority_reason": entry.priority_reason,
        "no_show_count": entry.no_show_count,
        "call_count": entry.call_count,
        "joined_at": entry.joined_at,
        "called_at": entry.called_at,
        "last_called_at": entry.last_called_at,
        "call_seen_at": entry.call_seen_at,
        "started_at": entry.started_at,
    }
    if names is not None:
        body["patient"] = {"user_id": entry.user_id, "name": names.get(entry.user_id, "")}
    return body


def _shift_body(shift: BoardShift) -> dict[str, Any]:
    return {
        "shift_id": shift.shift_id,
        "staff": {"staff_id": shift.staff_id, "name": shift.staff_name},
        "room": room_body(shift.room),
        "started_at": shift.started_at,
    }


def _read_shifts(session: Session, exam_ids: Collection[str]) -> list[BoardShift]:
    query = (
        select(Shift, Account.name, HospitalRoom)
        .join(Account, Account.account_id == Shift.staff_id)
        .join(HospitalRoom)
        .where(Shift.exam_id.in_(exam_ids), Shift.ended_at.is_(None))
        .order_by(Shift.started_at, Shift.shift_id)
    )
    return [
        BoardShift(shift.shift_id, shift.exam_id, shift.staff_id, name, room, shift.started_at)
        for shift, name, room in session.execute(query)
    ]


def _read_rooms(
    session: Session, known: Sequence[HospitalRoom], room_ids: Collection[str | None]
) -> dict[str, HospitalRoom]:
    rooms = {room.room_id: room for room in known}
    missing = {room_id for room_id in room_ids if room_id is not None} - rooms.keys()
    if missing:
        found = session.scalars(select(HospitalRoom).where(HospitalRoom.room_id.in_(missing)))
        rooms |= {room.room_id: room for room in found}
    return rooms
