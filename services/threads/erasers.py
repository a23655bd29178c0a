"""What the threads erase of a patient: their own threads wholly; in others' threads their membership and their devices.

Their own are those in which nobody else is left, and those that they made and that have no other owner. One that
somebody else made goes on as long as somebody is in it who may write: who has been longest becomes its owner.

What they wrote to others' threads, and put up there, stays with those who hold its keys; the server never could read
it. There the person stands by their pseudonymous id alone, with the public keys by which their signatures are verified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, sessionmaker

from core.names import thread_subject
from core.settings import ThreadSettings
from models.threads import (
    DeviceState,
    MemberRole,
    RecordSending,
    Thread,
    ThreadBlob,
    ThreadClient,
    ThreadDevice,
    ThreadItem,
    ThreadKeyset,
    ThreadMember,
    ThreadWrap,
)
from services.delivery.rewritten import note_rewritten
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, OutsideEraser, PersonFinder, RowEraser
from services.threads.acting import LockedThread, ThreadWork, lock_threads
from services.threads.audit import AuditedCaller
from services.threads.blob_retention import drop_files, find_strays
from services.threads.creating import erase_thread
from services.threads.encoding import SERVICE_MEMBER, patient_member
from services.threads.membership import end_membership, list_members, set_role
from services.threads.push_pass import no_pass
from spool import StreamedFiles
from streams import Streams

_REQUEST = "erasure"
_OF_THREAD: Mapping[str, Any] = {
    "thread_items": ThreadItem,
    "thread_clients": ThreadClient,
    "thread_keysets": ThreadKeyset,
    "thread_members": ThreadMember,
}


class ThreadEraser:
    """The erasers that need stores."""

    def __init__(self, sessions: sessionmaker[Session], streams: Streams, files: StreamedFiles) -> None:
        self._sessions = sessions
        self._streams = streams
        self._files = files

    def finder(self) -> PersonFinder:
        return PersonFinder("threads_found", self._find)

    def redis(self, name: str) -> OutsideEraser:
        """Others read what is left of the log from PostgreSQL."""
        return OutsideEraser(name, self._count_streams, self._forget_streams)

    def blobs(self, name: str) -> OutsideEraser:
        """Files whose rows went with the threads."""
        return OutsideEraser(name, lambda _: len(self._find_strays()), lambda _: self._drop_strays())

    def _find_strays(self) -> list[UUID]:
        with self._sessions() as session:
            return find_strays(session, self._files)

    def _drop_strays(self) -> None:
        drop_files(self._files, self._find_strays())

    def _find(self, person: ErasedPerson) -> ErasedPerson:
        member = patient_member(person.patient_uuid)
        with self._sessions() as session:
            was_in = select(ThreadMember.thread_id).where(ThreadMember.member == member)
            own = select(Thread.id).where(Thread.created_by == member)
            return replace(person, thread_ids=tuple(sorted({*session.scalars(was_in), *session.scalars(own)})))

    def _count_streams(self, person: ErasedPerson) -> int:
        return sum(at.seq > 0 for at in self._streams.positions(_subjects(person)))

    def _forget_streams(self, person: ErasedPerson) -> None:
        for subject in _subjects(person):
            self._streams.forget(subject)


def _erase_threads(work: Work, person: ErasedPerson, now: datetime) -> Mapping[str, int]:
    member = patient_member(person.patient_uuid)
    # None of the settings' limits is asked for here.
    unit = ThreadWork(work, AuditedCaller(member, None, _REQUEST), now, ThreadSettings())
    locked = lock_threads(unit, person.thread_ids)
    closed = {thread_id for thread_id, one in locked.items() if not _leave(one)}
    work.session.flush()
    counts = {"threads": len(closed), "thread_memberships": len(locked) - len(closed)}
    connection = work.session.connection()
    # Of what was closed before nobody reads anything; what goes on without the person is not theirs any more.
    were_closed = select(Thread.id).where(Thread.created_by == member, Thread.closed_at.is_not(None))
    erased = closed | set(work.session.scalars(were_closed))
    note_rewritten(work.session, [thread_subject(thread_id) for thread_id in erased])
    for place, model in _OF_THREAD.items():
        counts[place] = connection.execute(delete(model).where(model.thread_id.in_(erased))).rowcount
    # What was never finished nobody else has been told of.
    unfinished = delete(ThreadBlob).where(ThreadBlob.member == member, ThreadBlob.completed_at.is_(None))
    counts["thread_uploads"] = connection.execute(unfinished).rowcount
    theirs = delete(RecordSending).where(RecordSending.patient_uuid == person.patient_uuid)
    counts["thread_record_sendings"] = connection.execute(theirs).rowcount
    return counts | _erase_devices(work.session, member)


def _leave(locked: LockedThread) -> bool:
    """Whether the thread goes on without its member."""
    membership = locked.membership
    if membership is None:
        return True
    # The service is nobody for whom a thread would have to go on.
    gone = {membership.member, SERVICE_MEMBER}
    others = [one for one in list_members(locked.unit.session, locked.id) if one.member not in gone]
    has_owner = any(one.role == MemberRole.OWNER for one in others)
    heir = None if locked.row.created_by == membership.member else _find_heir(others)
    if not has_owner and heir is None:
        erase_thread(locked)
        return False
    if not has_owner and heir is not None:
        set_role(locked, heir, MemberRole.OWNER)
    end_membership(locked, membership)
    return True


def _find_heir(others: Sequence[ThreadMember]) -> ThreadMember | None:
    """Of those who may write the one who has been in for longest."""
    writers = [one for one in others if one.role == MemberRole.WRITER]
    return min(writers, key=lambda one: (one.joined_seq, one.member), default=None)


def _erase_devices(session: Session, member: str) -> dict[str, int]:
    """Gone, unless others still verify what they signed."""
    connection = session.connection()
    theirs = select(ThreadDevice.device_id).where(ThreadDevice.member == member)
    wraps = connection.execute(delete(ThreadWrap).where(ThreadWrap.device_id.in_(theirs))).rowcount
    is_known = session.scalar(select(exists().where(ThreadMember.member == member)))
    if not is_known:
        devices = connection.execute(delete(ThreadDevice).where(ThreadDevice.member == member)).rowcount
    else:
        ended = {"state": DeviceState.REVOKED, **no_pass()}
        devices = connection.execute(update(ThreadDevice).where(ThreadDevice.member == member).values(ended)).rowcount
    return {"thread_wraps": wraps, "thread_devices": devices}


def _subjects(person: ErasedPerson) -> list[str]:
    return [thread_subject(thread_id) for thread_id in person.thread_ids]


_OURS = (Thread, ThreadBlob, ThreadDevice, ThreadWrap, RecordSending, *_OF_THREAD.values())
THREADS_ERASER = RowEraser(
    "threads",
    frozenset(model.__tablename__ for model in _OURS),
    _erase_threads,
)
