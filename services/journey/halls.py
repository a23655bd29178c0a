"""What a screen in a hall shows: numbers that are called and that come next, and no word of who or what for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, cast, select
from sqlalchemy.orm import Session

from core.names import JourneyEvent
from models.journey import Display, HospitalRoom, JourneyState, QueueState
from services.journey.boards import Board, HospitalMoment, read_boards, room_body
from services.journey.estimates import Estimator
from services.journey.lines import LineEntry

_MOST_NEXT = 5
# Of calls that nobody has answered there may be hundreds by the evening, and an event has to fit into one frame.
_MOST_CALLING = 10


def list_displays(session: Session, exam_ids: Collection[str]) -> list[Display]:
    """The screens that show any of these exams."""
    wanted = Display.exam_ids.bool_op("?|")(cast(list(exam_ids), ARRAY(Text)))
    return list(session.scalars(select(Display).where(Display.revoked_at.is_(None), wanted)))


def read_hall(session: Session, display: Display, estimator: Estimator, moment: HospitalMoment) -> dict[str, Any]:
    """As it is answered, and greets a socket."""
    boards = read_boards(session, display.exam_ids, estimator, moment)
    rows = {exam_id: hall_rows(board) for exam_id, board in boards.items()}
    return hall_body(display, rows, moment.now)


def hall_body(display: Display, rows: Mapping[str, Sequence[dict[str, Any]]], at: datetime) -> dict[str, Any]:
    """`rows` are those of its exams, by exam."""
    return {"rooms": [row for exam_id in display.exam_ids for row in rows.get(exam_id, ())], "updated_at": at}


def hall_update_body(hall: dict[str, Any]) -> dict[str, Any]:
    """The numbered event of the screen."""
    return {"type": JourneyEvent.HALL_UPDATE, "timestamp": hall["updated_at"], "data": hall}


def hall_rows(board: Board) -> list[dict[str, Any]]:
    """One for each room of an open shift, without any for the exam's usual room; and one for each other room into which
    somebody is called."""
    waiting = [entry for entry in board.entries if entry.state == QueueState.WAITING]
    # A call passes over whoever is called or inside elsewhere.
    next_ones = [entry for entry in waiting if entry.journey_state == JourneyState.WAITING]
    line = {
        "next": [entry.queue_number for entry in next_ones[:_MOST_NEXT]],
        "waiting_count": len(waiting),
        "estimated_wait_time": board.tail.minutes,
    }
    head = {"exam_id": board.exam.exam_id, "display_title": board.exam.display_title}
    return [head | {"room": room_body(room), "calling": calling} | line for room, calling in _calls_by_room(board)]


def _calls_by_room(board: Board) -> list[tuple[HospitalRoom | None, list[dict[str, Any]]]]:
    """Those made or repeated last come first."""
    called = [(entry, board.room_of(entry)) for entry in board.entries if entry.state == QueueState.CALLED]
    rooms: list[HospitalRoom | None] = [shift.room for shift in board.shifts]
    rows: dict[str | None, tuple[HospitalRoom | None, list[LineEntry]]] = {}
    for room in [*(rooms or [board.room]), *(room for _, room in called)]:
        rows.setdefault(_id_of(room), (room, []))
    for entry, room in called:
        rows[_id_of(room)][1].append(entry)
    return [(room, _calling(calls)) for room, calls in rows.values()]


def _id_of(room: HospitalRoom | None) -> str | None:
    return None if room is None else room.room_id


def _calling(called: Sequence[LineEntry]) -> list[dict[str, Any]]:
    newest_first = sorted(called, key=lambda entry: entry.last_called_at or entry.joined_at, reverse=True)
    return [
        {"queue_number": entry.queue_number, "since": entry.called_at, "call_count": entry.call_count}
        for entry in newest_first[:_MOST_CALLING]
    ]
