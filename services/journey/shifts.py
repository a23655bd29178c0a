"""Shifts: which member of staff works on which exam in which room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, text, update

from core.names import exam_subject
from models.accounts import Account
from models.journey import HospitalRoom, Shift
from services.delivery.unit_of_work import Work
from services.journey.actors import JourneyActor
from services.journey.errors import NoShift, PayloadInvalid, RoomTaken
from services.journey.joining import require_exam
from services.journey.work import JourneyWork

# Somebody else's room is refused by the table itself, also between two at once.
_BEGIN = text("""
    insert into welno.shifts (staff_id, exam_id, room_id, started_at)
    values (:staff_id, :exam_id, :room_id, :now)
    on conflict do nothing returning shift_id
""")


def begin_shift(journey: JourneyWork, actor: JourneyActor, *, exam_id: str, room_id: str) -> Shift:
    """Ends the one before. Raises ExamNotFound, PayloadInvalid, RoomTaken."""
    require_exam(journey, exam_id)
    if journey.session.get(HospitalRoom, room_id) is None:
        raise PayloadInvalid("room_id")
    for before in _lock_own_and_of_room(journey, actor, room_id):
        if before.staff_id != actor.staff_id and _may_sign_in(journey, before.staff_id):
            raise RoomTaken
        _end(journey, before, journey.now)
    parameters: dict[str, Any] = {"staff_id": actor.staff_id, "exam_id": exam_id, "room_id": room_id}
    shift_id = journey.session.scalar(_BEGIN, parameters | {"now": journey.now})
    if shift_id is None:
        raise RoomTaken
    journey.work.wake(exam_subject(exam_id))
    return journey.session.get_one(Shift, shift_id)


def end_shift(journey: JourneyWork, actor: JourneyActor) -> None:
    """Raises NoShift."""
    shift = _lock_shift(journey, actor)
    if shift is None:
        raise NoShift
    _end(journey, shift, journey.now)


def end_shift_of(work: Work, staff_id: UUID, at: datetime) -> None:
    """Of somebody who may not sign in any more, and so cannot end it: else their room stays taken until the day's
    close. Call it before the account is locked, as whoever begins a shift locks in that order."""
    ended = update(Shift).where(Shift.staff_id == staff_id, Shift.ended_at.is_(None)).values(ended_at=at)
    for exam_id in work.session.scalars(ended.returning(Shift.exam_id)).all():
        work.wake(exam_subject(exam_id))


def find_shift(journey: JourneyWork, actor: JourneyActor) -> Shift | None:
    """The open one."""
    return journey.session.scalar(_open_shift(actor))


def _may_sign_in(journey: JourneyWork, staff_id: UUID) -> bool:
    """Whoever was disabled by the operators' command, which knows no shifts, holds no room."""
    return journey.session.scalar(select(Account.is_active).where(Account.account_id == staff_id)) is True


def _lock_own_and_of_room(journey: JourneyWork, actor: JourneyActor, room_id: str) -> Sequence[Shift]:
    """The open ones, in one order for all: of two who change rooms with each other neither waits for the other's."""
    concerned = or_(Shift.staff_id == actor.staff_id, Shift.room_id == room_id)
    query = select(Shift).where(Shift.ended_at.is_(None), concerned).order_by(Shift.shift_id).with_for_update()
    return journey.session.scalars(query).all()


def _lock_shift(journey: JourneyWork, actor: JourneyActor) -> Shift | None:
    return journey.session.scalar(_open_shift(actor).with_for_update())


def _open_shift(actor: JourneyActor) -> Select[Shift]:
    return select(Shift).where(Shift.staff_id == actor.staff_id, Shift.ended_at.is_(None))


def _end(journey: JourneyWork, shift: Shift, at: datetime) -> None:
    shift.ended_at = at
    journey.session.flush()
    journey.work.wake(exam_subject(shift.exam_id))
