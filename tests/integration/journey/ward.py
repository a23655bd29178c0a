"""A hospital for the tests: two exams, two desks, and people who may be led into any state by actions alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, event, text

from core.clock import Clock
from core.names import patient_subject, queue_subject
from core.settings import Settings
from models.accounts import Account, AccountKind, AccountRole
from models.journey import Appointment, Exam, HospitalRoom, JourneyRole, JourneyState, NfcTag
from services.delivery.partitions import keep_partitions
from services.journey.actions import NOTHING_EXPECTED, Expectation, assist_patient, perform_action
from services.journey.actors import JourneyActor
from services.journey.answers import JourneyAnswer
from services.journey.calling import call_by_id, call_next
from services.journey.people import NewUser
from services.journey.reading import read_snapshot
from services.stores import Stores, build_stores

# Nine o'clock in Seoul.
MORNING = datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
BLOOD, XRAY = "EX-BLOOD", "EX-XRAY"
TAG_CODE = "an-invented-entrance-code"
# What is compared when nothing may have changed.
WATCHED = (
    "patient_states",
    "visits",
    "state_transitions",
    "appointments",
    "queues",
    "queue_counters",
    "queue_status_logs",
    "notifications",
    "emr_sync_status",
    "idempotency_keys",
    "logins",
    "scan_tokens",
    "tag_logs",
    "welno_events",
)


@dataclass
class Ward:
    """`desks` are two members of staff, `chief` an admin."""

    stores: Stores
    clock: Clock
    desks: list[JourneyActor] = field(default_factory=list)
    chief: JourneyActor = field(init=False)
    _numbers: Any = field(default_factory=lambda: count(1))

    @classmethod
    def open(cls, env: dict[str, str]) -> "Ward":
        clock = Clock()
        return cls(build_stores(Settings.read(env), clock, lambda _: None), clock)

    def furnish(self) -> None:
        with self.stores.sessions.begin() as session:
            keep_partitions(session, self.stores.kinds, self.clock.now().date())
            for number, (exam_id, title) in enumerate(((BLOOD, "채혈"), (XRAY, "흉부 X선")), start=1):
                room = HospitalRoom(room_id=f"R-10{number}", title=f"{title}실", floor=1, x=10.0 * number, y=5.0)
                session.add(room)
                session.flush()
                exam = {"title": title, "display_title": f"검사 {number}", "avg_minutes": 5, "needs_fasting": False}
                session.add(Exam(exam_id=exam_id, room_id=room.room_id, **exam))
            tag = {"title": "현관", "floor": 1, "x": 0.0, "y": 0.0}
            session.add(NfcTag(tag_id="T-1", tag_uid="04:10:00:00:00:00:01", tag_code=TAG_CODE, exam_ids=[], **tag))
            session.add(NfcTag(tag_id="T-OLD", tag_uid="04:10:00:00:00:00:09", tag_code="old", is_active=False, **tag))
        self.desks = [self.staff(f"desk{number}") for number in (1, 2)]
        self.chief = self.staff("chief", JourneyRole.ADMIN)

    def staff(self, login: str, role: JourneyRole = JourneyRole.STAFF) -> JourneyActor:
        account_id = uuid4()
        with self.stores.sessions.begin() as session:
            row = {"kind": AccountKind.STAFF, "login": login, "name": login, "password_hash": "none"}
            session.add(Account(account_id=account_id, role=AccountRole(role), **row))
        return JourneyActor(role, account_id, uuid4())

    @property
    def desk(self) -> JourneyActor:
        return self.desks[0]

    def patient(self, *exam_ids: str) -> "Patient":
        """With appointments today, an hour apart."""
        number = next(self._numbers)
        with self.stores.sessions.begin() as session:
            person = NewUser(f"시연{number:03}", f"0107000{number:04}", date(1950, 5, 5) + timedelta(days=number))
            user_id = self.stores.people.add(session, person).user_id
        found = Patient(self, user_id)
        for hour, exam_id in enumerate(exam_ids):
            found.has_appointment(exam_id, self.clock.now() + timedelta(hours=hour))
        return found

    def run(self, change: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return self.stores.journeys.run(lambda journey: change(journey, *arguments, **options), "request-1")

    def call_next(self, exam_id: str = BLOOD, actor: JourneyActor | None = None, **options: Any) -> JourneyAnswer:
        answer: JourneyAnswer = self.run(call_next, exam_id, actor or self.desk, **options)
        return answer

    def call(self, queue_id: str, actor: JourneyActor | None = None, **options: Any) -> JourneyAnswer:
        answer: JourneyAnswer = self.run(call_by_id, UUID(queue_id), actor or self.desk, **options)
        return answer

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        with self.stores.sessions() as session:
            return list(session.execute(text(query), parameters).all())

    def has_scans_of(self, at: datetime, action: str = "scan") -> None:
        """All of them: scans are logged by the database's clock, which no test sets."""
        with self.stores.sessions.begin() as session:
            changed = {"at": at, "action": action}
            session.execute(text("update welno.tag_logs set created_at = :at, action = :action"), changed)

    def everything(self) -> dict[str, str]:
        """All rows that a change may write, as a digest of each table."""
        digest = "md5(string_agg(row, ',' order by row))"
        parts = [
            f"select '{name}' as name, (select {digest} from (select t::text as row from welno.{name} t) r) as digest"
            for name in WATCHED
        ]
        return {row.name: row.digest for row in self.rows(" union all ".join(parts))}

    def advance(self, **delta: float) -> None:
        self.clock.advance(timedelta(**delta))


@dataclass
class Patient:
    """Somebody who acts by their own login."""

    ward: Ward
    user_id: UUID
    sid: UUID = field(default_factory=uuid4)

    @property
    def actor(self) -> JourneyActor:
        return JourneyActor(JourneyRole.PATIENT, self.user_id, self.sid)

    def has_appointment(self, exam_id: str, at: datetime, **changes: Any) -> UUID:
        row = {"appointment_id": uuid4(), "user_id": self.user_id, "exam_id": exam_id, "scheduled_at": at}
        with self.ward.stores.sessions.begin() as session:
            session.add(Appointment(**(row | changes)))
        return row["appointment_id"]

    def act(
        self,
        action: str,
        payload: dict[str, Any] | None = None,
        *,
        by: JourneyActor | None = None,
        state: JourneyState | None = None,
        key: str | None = None,
    ) -> Any:
        """The body of the answer."""
        expectation = Expectation(state, key) if state or key else NOTHING_EXPECTED
        answer = self.ward.run(
            perform_action, self.user_id, action, payload or {}, by or self.actor, expectation=expectation
        )
        return answer.body

    def is_assisted(self, action: str, payload: dict[str, Any] | None = None) -> Any:
        return self.ward.run(assist_patient, self.user_id, action, payload or {}, self.ward.desk).body

    def comes(self, state: JourneyState, exam_id: str = BLOOD) -> "Patient":
        """Into this state, by the shortest way."""
        way: list[tuple[str, dict[str, Any], bool]] = [
            ("scan_nfc", {"tag_code": TAG_CODE}, False),
            ("register", {}, False),
            ("confirm_arrival", {"exam_id": exam_id}, False),
            ("call_patient", {}, True),
            ("enter_exam_room", {}, False),
            ("complete_exam", {}, True),
            ("make_payment", {}, False),
            ("make_payment", {}, False),
        ]
        for action, payload, is_staff in way[: list(JourneyState).index(state)]:
            current = self.state
            self.act(action, payload, by=self.ward.desk if is_staff else None, state=current)
        assert self.state == state
        return self

    @property
    def state(self) -> JourneyState:
        return JourneyState(self.snapshot()["journey_state"])

    def snapshot(self, role: JourneyRole = JourneyRole.PATIENT) -> dict[str, Any]:
        found: dict[str, Any] = self.ward.stores.journeys.read(
            lambda journey: read_snapshot(journey, self.user_id, role)
        )
        return found

    @property
    def queue(self) -> dict[str, Any]:
        """The entry that decides where they are."""
        details: dict[str, Any] = self.snapshot()["queue_details"][0]
        return details

    def steps(self) -> list[tuple[str, str, str, str]]:
        rows = self.ward.rows(
            "select from_state, to_state, trigger_type, trigger_source from welno.state_transitions"
            " where user_id = :user_id order by id",
            user_id=self.user_id,
        )
        return [tuple(row) for row in rows]

    def logs(self) -> list[tuple[str | None, str, str | None]]:
        rows = self.ward.rows(
            "select previous_state, new_state, reason from welno.queue_status_logs l join welno.queues using (queue_id)"
            " where user_id = :user_id order by l.id",
            user_id=self.user_id,
        )
        return [tuple(row) for row in rows]

    def entries(self) -> list[Any]:
        """In the order in which they came to be, also under a clock that stands still."""
        return self.ward.rows(
            "select q.* from welno.queues q where user_id = :id"
            " order by (select min(l.id) from welno.queue_status_logs l where l.queue_id = q.queue_id)",
            id=self.user_id,
        )

    def events(self) -> list[dict[str, Any]]:
        """As a reader of the stream gets them."""
        return self._read(patient_subject(self.user_id))

    def queue_events(self, queue_id: object) -> list[dict[str, Any]]:
        return self._read(queue_subject(queue_id))

    def _read(self, subject: str) -> list[dict[str, Any]]:
        events = self.ward.stores.events.read_after(subject, 0).events
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        return [event.body | {"seq": event.seq} for event in events]


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that the block makes."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
