"""What a hospital's staff look at of one person, or do with their journey, written into the access log with the reason.

The person reads it where they have records with us: who of the patients they are is decided by all of name, phone and
birth date, as for an erasure. Of anybody else it stands there under a pseudonym of the journey, and nobody is shown it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from models.journey import Exam, JourneyAction, JourneyUser, QueueEntry, Shift
from models.journey.states import ACTIVE_STATES
from models.patients import AccessedWhat
from services.journey.people import UserDirectory
from services.journey.work import JourneyWork
from services.patients.access_log import AccessLog, Actor, Look
from services.patients.identification import find_claimed

# What the person reads that was done; an action without words of its own is work.
_TASKS: Mapping[str, str] = {
    JourneyAction.SCAN_NFC: "도착 처리",
    JourneyAction.REGISTER: "접수",
    JourneyAction.CONFIRM_ARRIVAL: "줄 세우기",
    JourneyAction.ENTER_EXAM_ROOM: "입실",
    JourneyAction.MAKE_PAYMENT: "수납",
    JourneyAction.LEAVE_HOSPITAL: "귀가",
    JourneyAction.CALL_PATIENT: "호출",
    JourneyAction.START_EXAM: "검사 시작",
    JourneyAction.COMPLETE_EXAM: "검사 완료",
    JourneyAction.MARK_NO_SHOW: "부재 처리",
    JourneyAction.CANCEL_APPOINTMENT: "예약 취소",
    "recall": "다시 호출",
    "undo_call": "호출 취소",
    "delay": "자리 비움 처리",
    "priority": "순서 조정",
    "transfer": "다른 줄로 옮기기",
}
_WORK = "진료 업무"
# Whoever goes on following a stream within it has looked once: a shift, and its break.
LOOK_LASTS = timedelta(hours=12)


@dataclass(frozen=True)
class TaskContext:
    """What a member of staff is at work on: the exam of their shift, None without one, and whether the person has been
    in its line today."""

    exam: str | None = None
    is_in_line: bool = False


@dataclass(frozen=True)
class StaffLook:
    """Who looks at what of whom, and why."""

    actor: Actor
    what: AccessedWhat
    user: JourneyUser
    reason: str


def read_context(journey: JourneyWork, staff_id: UUID, user_id: UUID) -> TaskContext:
    of_today = and_(
        QueueEntry.exam_id == Shift.exam_id,
        QueueEntry.user_id == user_id,
        or_(QueueEntry.service_date == journey.today, QueueEntry.state.in_(ACTIVE_STATES)),
    )
    query = (
        select(Exam.title, func.count(QueueEntry.queue_id) > 0)
        .select_from(Shift)
        .join(Exam, Exam.exam_id == Shift.exam_id)
        .outerjoin(QueueEntry, of_today)
        .where(Shift.staff_id == staff_id, Shift.ended_at.is_(None))
        .group_by(Exam.title)
    )
    found = journey.session.execute(query).one_or_none()
    return TaskContext() if found is None else TaskContext(*found)


def describe_task(action: str, exam: str | None) -> str:
    """Why a member of staff acted, as the person reads it. `exam`: in whose line, or at whose desk."""
    task = _TASKS.get(action, _WORK)
    return task if exam is None else f"{exam}: {task}"


def describe_context(context: TaskContext) -> str:
    """Why somebody was looked at by whoever named no reason."""
    if context.is_in_line:
        return f"{context.exam} 줄에서 맡은 사람"
    return "이유를 적지 않았어요" if context.exam is None else f"{context.exam} 자리에서, 이유를 적지 않았어요"


def has_looked(journey: JourneyWork, log: AccessLog, people: UserDirectory, actor: Actor, user: JourneyUser) -> bool:
    """Whether it has been written down lately that they look at this person. Raises SealError."""
    patient_uuid = _find_patient(journey, people, user)
    subject = log.subject_of_visitor(user.user_id) if patient_uuid is None else log.subject_of(patient_uuid)
    return log.has_looked(journey.session, actor, AccessedWhat.JOURNEY, subject, journey.now - LOOK_LASTS)


def record_look(journey: JourneyWork, log: AccessLog, people: UserDirectory, look: StaffLook) -> None:
    """At the end of the transaction: see services.patients.access_log. Raises SealError."""
    patient_uuid = _find_patient(journey, people, look.user)
    subject = log.subject_of_visitor(look.user.user_id) if patient_uuid is None else None
    # The rest of a change first: every other look of the day waits from here to the commit.
    journey.session.flush()
    journey.work.number_events()
    entry = Look(look.actor, look.what, patient_uuid, subject=subject, reason=look.reason)
    log.record(journey.session, entry, journey.now)


def _find_patient(journey: JourneyWork, people: UserDirectory, user: JourneyUser) -> UUID | None:
    """Which of the patients they are; None for none."""
    person = people.open(user)
    return find_claimed(journey.session, person.name, person.birth_date, person.phone)
