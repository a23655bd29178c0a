"""A hospital in rows: what a test wants to read, put there without walking the way to it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from models.accounts import Account, AccountKind, AccountRole
from models.journey import (
    Appointment,
    Display,
    Exam,
    HospitalRoom,
    JourneyState,
    JourneyUser,
    Notification,
    PatientState,
    QueueEntry,
    QueueState,
    Shift,
    Visit,
)

# Morning in Seoul.
NOW = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 26)
DAY_BEGINS = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@dataclass
class Hospital:
    """Adds rows to one session; each method gives the row it has added."""

    session: Session
    now: datetime = NOW
    _numbers: Any = field(default_factory=lambda: count(1))

    def exam(self, exam_id: str = "EX-BLOOD", **changes: Any) -> Exam:
        """With a room of its own."""
        number = next(self._numbers)
        room = HospitalRoom(room_id=f"R-{exam_id}", title=f"{exam_id}실", floor=1, x=number, y=0)
        self._add(room)
        row = {
            "title": f"{exam_id} 검사",
            "display_title": f"검사 {number}",
            "room_id": room.room_id,
            "avg_minutes": 10,
        }
        return self._add(Exam(**({"exam_id": exam_id, "needs_fasting": False} | row | changes)))

    def staff(self) -> Account:
        login = f"desk-{uuid4().hex}"
        row = {"kind": AccountKind.STAFF, "role": AccountRole.STAFF, "login": login, "password_hash": "none"}
        return self._add(Account(account_id=uuid4(), name="김간호", **row))

    def shift(self, exam: Exam, room_id: str | None = None, ended_at: datetime | None = None) -> Shift:
        row = {"exam_id": exam.exam_id, "room_id": room_id or exam.room_id, "started_at": self.now}
        return self._add(Shift(staff_id=self.staff().account_id, ended_at=ended_at, **row))

    def display(self, key_hash: str, *exams: Exam, **changes: Any) -> Display:
        row = {"title": "1층 로비", "exam_ids": [exam.exam_id for exam in exams], "key_hash": key_hash}
        return self._add(Display(**({"display_id": f"HALL-{next(self._numbers)}"} | row | changes)))

    def user(self, name: str = "시연001") -> JourneyUser:
        """`login_hash` and seals open nothing: nobody of these logs in."""
        row = {"phone": "sealed", "phone_hash": uuid4().hex, "login_hash": uuid4().hex, "birth_date": "sealed"}
        return self._add(JourneyUser(user_id=uuid4(), name=name, **row))

    def visitor(
        self, state: JourneyState = JourneyState.WAITING, name: str = "시연001", **changes: Any
    ) -> PatientState:
        """Somebody in the midst of a visit."""
        user = self.user(name)
        visit = self._add(Visit(visit_id=uuid4(), user_id=user.user_id, began_at=self.now))
        row = {"user_id": user.user_id, "current_state": state, "visit_id": visit.visit_id}
        return self._add(PatientState(**(row | changes)))

    def entry(self, exam: Exam, person: PatientState | None = None, **changes: Any) -> QueueEntry:
        """Of somebody new, waiting at the tail, if nothing else is said."""
        person = person or self.visitor()
        number = next(self._numbers)
        row: dict[str, Any] = {
            "queue_id": uuid4(),
            "user_id": person.user_id,
            "visit_id": person.visit_id,
            "exam_id": exam.exam_id,
            "service_date": TODAY,
            "queue_number": number,
            "place": number,
            "state": QueueState.WAITING,
            "joined_at": self.now,
        }
        row |= changes
        return self._add(QueueEntry(**({"place_since": row["joined_at"]} | row)))

    def notification(self, entry: QueueEntry, kind: str, **changes: Any) -> Notification:
        values = {"user_id": entry.user_id, "queue_id": entry.queue_id, "kind": kind, "body": "진료 순서가 되었어요."}
        return self._add(Notification(**(values | changes)))

    def appointment(self, user_id: UUID, exam: Exam, **changes: Any) -> Appointment:
        row = {"appointment_id": uuid4(), "user_id": user_id, "exam_id": exam.exam_id, "scheduled_at": self.now}
        return self._add(Appointment(**(row | changes)))

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row
