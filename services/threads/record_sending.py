"""Patients' wishes to have their stored records put into a thread: taken, carried out by a task, sent again by a sweep.

The wish's row is the truth. What it writes has ids that are derived from the wish and the record, and is looked for
under the thread's row: whoever repeats it, or goes on where another broke off, doubles nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from core.names import Task
from models.patients import Patient
from models.threads import MemberRole, RecordSending, ThreadClient, ThreadItem, ThreadMember
from services.delivery.unit_of_work import Work
from services.threads.acting import LockedThread, ThreadUnitOfWork, ThreadWork, lock_for_audit, lock_thread
from services.threads.audit_chain import AuditAction
from services.threads.encoding import patient_member, write_kid
from services.threads.envelopes import Envelope
from services.threads.errors import ServiceNotMember, ThreadNotFound, ThreadRoleTooSmall, ThreadsError
from services.threads.pushing import append_own
from services.threads.record_messages import SentKind, read_records, summarize
from services.threads.service_device import ServiceMessage
from services.threads.service_member import ServedThread, ServiceMember, find_service, service_caller

log = get_logger(__name__)

_RESEND_AFTER = timedelta(minutes=2)
# Whatever keeps it from ending for so long is not going to pass: the person asks again.
_GIVEN_UP_AFTER = timedelta(days=1)
_KEPT_FOR = timedelta(days=30)
_BATCH_MESSAGES = 50
# Of the wishes that met one that is under way: as many as a person's patience has.
_KNOWN_IDS = 20
_BATCH = 50
_OK, _GIVEN_UP = "ok", "GIVEN_UP"
# In the log of a unit that writes nothing.
_SWEEP = "sweep"


def ask_for_records(
    unit: ThreadWork, thread_id: str, what: Sequence[SentKind], asked_as: str | None = None
) -> tuple[UUID, bool]:
    """Of the caller, who is a patient; the id of the sending, and whether it is new. Asked for the same again while it
    is under way, it is the same one, and under the same id also after its end.

    Raises ThreadNotFound, ThreadRoleTooSmall, ServiceNotMember.
    """
    locked = lock_thread(unit, thread_id, MemberRole.WRITER)
    kind, _, name = unit.member.partition(":")
    if kind != "patient":
        raise ThreadRoleTooSmall
    of_patient = (RecordSending.thread_id == thread_id, RecordSending.patient_uuid == UUID(name))
    ids = [] if asked_as is None else [asked_as]
    known = _find(unit.session, *of_patient, RecordSending.asked_as.contains(ids)) if ids else None
    if known is not None:
        return known.id, False
    require_service(locked)
    wanted = sorted(set(what))
    running = _find(unit.session, *of_patient, RecordSending.what == wanted, RecordSending.ended_at.is_(None))
    if running is not None:
        running.asked_as = [*running.asked_as, *ids][-_KNOWN_IDS:]
        return running.id, False
    sending = RecordSending(
        id=uuid4(),
        thread_id=thread_id,
        patient_uuid=UUID(name),
        what=wanted,
        asked_as=ids,
        request_id=unit.caller.request_id,
        requested_at=unit.now,
        resend_at=unit.now + _RESEND_AFTER,
    )
    unit.session.add(sending)
    locked.audit(AuditAction.SEND_RECORDS, count=len(wanted))
    unit.work.send(Task.SEND_RECORDS, str(sending.id), unit.caller.request_id)
    return sending.id, True


def require_service(locked: LockedThread) -> None:
    """That it may write. Raises ServiceNotMember."""
    service = find_service(locked)
    if service is None or not MemberRole(service.role).includes(MemberRole.WRITER):
        raise ServiceNotMember


def _find(session: Session, *which: ColumnElement[bool]) -> RecordSending | None:
    return session.scalar(select(RecordSending).where(*which).limit(1))


def give_up_sendings(threads: ThreadUnitOfWork, now: datetime) -> int:
    """End those that never end; how many. A thread that cannot be told of now stops no other: the next sweep finds
    it."""
    too_old = (RecordSending.ended_at.is_(None), RecordSending.requested_at <= now - _GIVEN_UP_AFTER)
    query = select(RecordSending).where(*too_old).order_by(RecordSending.requested_at).limit(_BATCH)
    with threads(service_caller(_SWEEP)) as unit:
        found = unit.session.scalars(query).all()
    return sum(_give_up(threads, sending) for sending in found)


def _give_up(threads: ThreadUnitOfWork, sending: RecordSending) -> bool:
    try:
        return _end(threads, sending, _GIVEN_UP)
    except SQLAlchemyError as exc:
        log.warning("sending_not_given_up", sending_id=str(sending.id), error=type(exc).__name__)
        return False


def _end(threads: ThreadUnitOfWork, sending: RecordSending, result: str) -> bool:
    """Once, which is returned; told in the audit whoever is still in the thread."""
    with threads(service_caller(sending.request_id)) as unit:
        locked = lock_for_audit(unit, sending.thread_id)
        is_open = (RecordSending.id == sending.id, RecordSending.ended_at.is_(None))
        ended = update(RecordSending).where(*is_open).values(ended_at=unit.now, result=result)
        is_ended = unit.session.scalar(ended.returning(RecordSending.id)) is not None
        if locked is not None and is_ended:
            locked.audit(AuditAction.SEND_RECORDS, result=result)
    return is_ended


def resend_sendings(work: Work, now: datetime) -> int:
    """Send those again that nobody carries out, and forget those that ended long ago: the audit has them. How many
    were sent."""
    work.session.execute(delete(RecordSending).where(RecordSending.ended_at <= now - _KEPT_FOR))
    is_open = (RecordSending.ended_at.is_(None), RecordSending.requested_at > now - _GIVEN_UP_AFTER)
    due = select(RecordSending.id).where(*is_open, RecordSending.resend_at <= now).limit(_BATCH)
    chosen = due.with_for_update(skip_locked=True).cte("chosen")
    sent = update(RecordSending).where(RecordSending.id.in_(select(chosen.c.id))).values(resend_at=now + _RESEND_AFTER)
    rows = work.session.execute(sent.returning(RecordSending.id, RecordSending.request_id)).all()
    for row in rows:
        work.send(Task.SEND_RECORDS, str(row.id), row.request_id)
    return len(rows)


@dataclass(frozen=True)
class RecordSender:
    """Carries sendings out, in a worker."""

    sessions: sessionmaker[Session]
    threads: ThreadUnitOfWork
    service: ServiceMember
    payload_max_bytes: int

    def run(self, sending_id: UUID) -> str | None:
        """What came of it; None for one that has ended before. Twice is once, also at once; where it breaks off, the
        next run goes on. Raises SealError."""
        with self.sessions() as session:
            sending = session.get(RecordSending, sending_id)
        if sending is None or sending.ended_at is not None:
            return None
        try:
            for batch in self._batches(sending):
                self._write(sending, batch)
        except ThreadsError as exc:  # the person, or the service, is out of the thread: nothing more is sent
            result = exc.code
        else:
            result = _OK
        _end(self.threads, sending, result)
        return result

    def _batches(self, sending: RecordSending) -> Iterator[list[ServiceMessage]]:
        """The messages of one record stay together."""
        kinds = [SentKind(one) for one in sending.what]
        counts: dict[str, int] = dict.fromkeys(kinds, 0)
        batch: list[ServiceMessage] = []
        for kind in kinds:
            for record in read_records(self.sessions, sending.patient_uuid, kind):
                counts[kind] += 1
                batch += record.messages(sending.id, self.payload_max_bytes)
                if len(batch) >= _BATCH_MESSAGES:
                    yield batch
                    batch = []
        yield [*batch, summarize(sending.id, counts)]

    def _write(self, sending: RecordSending, messages: Sequence[ServiceMessage]) -> None:
        """In one unit, under the newest key. Raises ThreadNotFound, ThreadRoleTooSmall, ServiceNotMember,
        SealError."""
        with self.threads(service_caller(sending.request_id)) as unit:
            locked = lock_thread(unit, sending.thread_id)
            _require_patient(locked, sending.patient_uuid)
            require_service(locked)
            served = self.service.enter_or_raise(locked)
            if served is None:
                raise ServiceNotMember
            served.tend()
            new = _without_known(locked, messages)
            verdicts = append_own(served.locked, _encrypt(served, new)) if new else []
            if any(one.refusal is not None for one in verdicts):
                raise AssertionError("made under the lock, from what stands there")


def _require_patient(locked: LockedThread, patient_uuid: UUID) -> None:
    """That whoever asked is still there, and still may write. Raises ThreadNotFound, ThreadRoleTooSmall."""
    session = locked.unit.session
    patient = session.get(Patient, patient_uuid, populate_existing=True)
    membership = session.get(ThreadMember, (locked.id, patient_member(patient_uuid)), populate_existing=True)
    is_out = membership is None or membership.removed_at is not None
    if patient is None or patient.erasing_since is not None or membership is None or is_out:
        raise ThreadNotFound
    if not MemberRole(membership.role).includes(MemberRole.WRITER):
        raise ThreadRoleTooSmall


def _without_known(locked: LockedThread, messages: Sequence[ServiceMessage]) -> list[ServiceMessage]:
    """Of an earlier run nothing is written twice."""
    ids = [one.dedupe_id for one in messages]
    query = select(ThreadItem.dedupe_id).where(ThreadItem.thread_id == locked.id, ThreadItem.dedupe_id.in_(ids))
    known = set(locked.unit.session.scalars(query))
    return [one for one in messages if one.dedupe_id not in known]


def _encrypt(served: ServedThread, messages: Sequence[ServiceMessage]) -> list[Envelope]:
    unit, row = served.locked.unit, served.locked.row
    client = unit.session.get(ThreadClient, (row.id, UUID(served.device.device_id)), populate_existing=True)
    first = client.highest_seq + 1 if client is not None else 1
    secret, kid = served.newest_secret(), write_kid(row.key_generation)
    if secret is None:
        raise AssertionError("the service has made a key that it can open")
    return [
        served.device.make_envelope(row.id, kid, secret, message, client_seq=seq, at=unit.now)
        for seq, message in enumerate(messages, start=first)
    ]
