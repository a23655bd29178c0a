"""Erasing a person: the registry of erasers, and the durable job that goes through them.

Each domain says what it erases, as an eraser. The job's row says which one comes next; whoever takes it up goes on
there, so it may be killed anywhere and run twice at once: every eraser finds nothing left the second time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.clock import Clock
from core.logs import get_logger
from core.names import Task
from core.sealing import Sealer
from models.patients import Erasure, ErasureState
from services.delivery.unit_of_work import UnitOfWork, Work

log = get_logger(__name__)

# A job whose last step is older is sent again; no step takes as long.
RESEND_AFTER = timedelta(seconds=60)
_BATCH = 50

Counts = Mapping[str, int]


@dataclass(frozen=True)
class ErasedPerson:
    """What the erasers have to know. Sealed in the job's row until its end. `user_ids` and `queue_ids` are of the
    journey, `thread_ids` of the threads."""

    patient_uuid: UUID
    name: str = field(repr=False)
    phone: str = field(repr=False)
    birth_date: date = field(repr=False)
    session_ids: tuple[UUID, ...] = ()
    user_ids: tuple[UUID, ...] = ()
    queue_ids: tuple[UUID, ...] = ()
    thread_ids: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes) -> "ErasedPerson":
        values = orjson.loads(data)
        return cls(
            patient_uuid=UUID(values["patient_uuid"]),
            name=values["name"],
            phone=values["phone"],
            birth_date=date.fromisoformat(values["birth_date"]),
            session_ids=tuple(map(UUID, values["session_ids"])),
            # Not in a job that an earlier release began.
            user_ids=tuple(map(UUID, values.get("user_ids", ()))),
            queue_ids=tuple(map(UUID, values.get("queue_ids", ()))),
            thread_ids=tuple(values.get("thread_ids", ())),
        )


@dataclass(frozen=True)
class RowEraser:
    """Erases rows, in the transaction that moves the job on. `tables` are those that it leaves without the person.
    `find` comes first, takes the locks under which nothing new is written of the person, and adds what was written
    since they were found, for this eraser and those that follow."""

    name: str
    tables: frozenset[str]
    erase: Callable[[Work, ErasedPerson, datetime], Counts]
    find: Callable[[Work, ErasedPerson], ErasedPerson] | None = None


@dataclass(frozen=True)
class PersonFinder:
    """Adds to what is known of the person, for the erasers that follow. Within no transaction: it may take its time."""

    name: str
    find: Callable[[ErasedPerson], ErasedPerson]


@dataclass(frozen=True)
class OutsideEraser:
    """Erases what no transaction covers: files, Redis. What `find` counts is written down before `erase` begins, as a
    second try would count what the first one left."""

    name: str
    find: Callable[[ErasedPerson], int]
    erase: Callable[[ErasedPerson], None]


Eraser = RowEraser | PersonFinder | OutsideEraser


class ErasureJob:
    """Runs erasures; built by each process that does."""

    def __init__(self, unit_of_work: UnitOfWork, erasers: Sequence[Eraser], sealer: Sealer, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._erasers = {eraser.name: eraser for eraser in erasers}
        self._names = [eraser.name for eraser in erasers]
        self._sealer = sealer
        self._clock = clock

    def run(self, erasure_id: UUID, *, keeps_on: Callable[[], bool] = lambda: True) -> None:
        """Until the end, or until a step after which `keeps_on` says no: the sweep has it taken up again. Nothing to do
        for one that is unknown or completed."""
        while keeps_on() and self._step(erasure_id):
            pass

    def _step(self, erasure_id: UUID) -> bool:
        """Do what comes next; False when nothing does."""
        with self._unit_of_work() as work:
            job = lock_erasure(work.session, erasure_id)
            if job is None or job.step is None or job.person is None:
                return False
            step, person = job.step, open_person(self._sealer, job.id, job.person)
            eraser = self._erasers[step]
            if isinstance(eraser, RowEraser):
                if eraser.find is not None:
                    person = eraser.find(work, person)
                    job.person = seal_person(self._sealer, job.id, person)
                _count(job, eraser.erase(work, person, self._clock.now()))
                self._advance(job)
        if isinstance(eraser, PersonFinder):
            found = seal_person(self._sealer, erasure_id, eraser.find(person))
            self._move_on(erasure_id, step, found)
        elif isinstance(eraser, OutsideEraser):
            self._erase_outside(erasure_id, eraser, person)
        log.info("erasure_step_done", erasure_id=str(erasure_id), step=step)
        return True

    def _erase_outside(self, erasure_id: UUID, eraser: OutsideEraser, person: ErasedPerson) -> None:
        counted = {eraser.name: eraser.find(person)}
        with self._unit_of_work() as work:
            job = lock_erasure(work.session, erasure_id)
            if job is not None:
                _count(job, counted)
        eraser.erase(person)
        self._move_on(erasure_id, eraser.name)

    def _move_on(self, erasure_id: UUID, step: str, person: bytes | None = None) -> None:
        with self._unit_of_work() as work:
            job = lock_erasure(work.session, erasure_id)
            if job is not None and job.step == step:
                job.person = person or job.person
                self._advance(job)

    def _advance(self, job: Erasure) -> None:
        now = self._clock.now()
        position = self._names.index(job.step or "") + 1
        job.step = self._names[position] if position < len(self._names) else None
        job.updated_at, job.resend_at = now, now + RESEND_AFTER
        if job.step is None:
            job.state, job.person, job.completed_at = ErasureState.COMPLETED, None, now


def begin_erasure(work: Work, erasure: Erasure) -> None:
    """Write the job down, and send it."""
    work.session.add(erasure)
    work.send(Task.ERASE_PATIENT, str(erasure.id), erasure.request_id)


def lock_erasure(session: Session, erasure_id: UUID) -> Erasure | None:
    query = select(Erasure).where(Erasure.id == erasure_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def find_running(session: Session, pseudonym: str) -> Erasure | None:
    query = select(Erasure).where(Erasure.pseudonym == pseudonym, Erasure.state == ErasureState.RUNNING)
    return session.scalar(query)


def standing_still(now: datetime) -> Select[UUID]:
    return select(Erasure.id).where(Erasure.state == ErasureState.RUNNING, Erasure.resend_at <= now)


def resend_erasures(work: Work, now: datetime) -> int:
    """Send those again that stand still. Returns how many."""
    due = standing_still(now).limit(_BATCH).with_for_update(skip_locked=True).cte("due")
    sent = update(Erasure).where(Erasure.id.in_(select(due.c.id))).values(resend_at=now + RESEND_AFTER)
    rows = work.session.execute(sent.returning(Erasure.id, Erasure.request_id)).all()
    for row in rows:
        work.send(Task.ERASE_PATIENT, str(row.id), row.request_id)
    return len(rows)


def seal_person(sealer: Sealer, erasure_id: UUID, person: ErasedPerson) -> bytes:
    return sealer.seal(person.to_json(), person_context(erasure_id))


def open_person(sealer: Sealer, erasure_id: UUID, sealed: bytes) -> ErasedPerson:
    return ErasedPerson.from_json(sealer.open(sealed, person_context(erasure_id)))


def with_sessions(person: ErasedPerson, session_ids: Sequence[UUID]) -> ErasedPerson:
    return replace(person, session_ids=tuple(sorted({*person.session_ids, *session_ids})))


def with_journey(person: ErasedPerson, user_ids: Sequence[UUID], queue_ids: Sequence[UUID]) -> ErasedPerson:
    return replace(
        person,
        user_ids=tuple(sorted({*person.user_ids, *user_ids})),
        queue_ids=tuple(sorted({*person.queue_ids, *queue_ids})),
    )


def _count(job: Erasure, counts: Counts) -> None:
    """The largest of what several tries have found."""
    receipt: dict[str, Any] = dict(job.receipt)
    for place, count in counts.items():
        receipt[place] = max(count, receipt.get(place, 0))
    job.receipt = receipt


def person_context(erasure_id: UUID) -> str:
    """What the seal of a job's person is bound to."""
    return f"erasure:{erasure_id}"
