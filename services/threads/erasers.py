"""What the threads erase of a patient: their own threads wholly; in others' threads their membership and their devices.

What they wrote to others' threads stays with those who hold its keys; the server never could read it. There the person
stands by their pseudonymous id alone, with the public keys by which their signatures are verified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased, sessionmaker

from core.names import thread_subject
from core.settings import ThreadSettings
from models.threads import (
    DeviceState,
    Thread,
    ThreadClient,
    ThreadDevice,
    ThreadItem,
    ThreadKeyset,
    ThreadMember,
    ThreadWrap,
)
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, OutsideEraser, PersonFinder, RowEraser
from services.threads.acting import LockedThread, ThreadWork, lock_threads
from services.threads.audit import AuditedCaller
from services.threads.creating import erase_thread
from services.threads.encoding import patient_member
from services.threads.membership import end_membership
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

    def __init__(self, sessions: sessionmaker[Session], streams: Streams) -> None:
        self._sessions = sessions
        self._streams = streams

    def finder(self) -> PersonFinder:
        return PersonFinder("threads_found", self._find)

    def redis(self, name: str) -> OutsideEraser:
        """Others read what is left of the log from PostgreSQL."""
        return OutsideEraser(name, self._count_streams, self._forget_streams)

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
    own = _own_threads(work.session, member, list(locked))
    for thread_id, one in locked.items():
        _leave(one, is_own=thread_id in own)
    work.session.flush()
    counts = {"threads": len(own), "thread_memberships": len(locked) - len(own)}
    connection = work.session.connection()
    created = set(work.session.scalars(select(Thread.id).where(Thread.created_by == member)))
    for place, model in _OF_THREAD.items():
        counts[place] = connection.execute(delete(model).where(model.thread_id.in_(own | created))).rowcount
    return counts | _erase_devices(work.session, member)


def _own_threads(session: Session, member: str, thread_ids: Sequence[str]) -> set[str]:
    """Those that the person made, and those in which nobody else is left."""
    other = aliased(ThreadMember)
    has_others = exists().where(other.thread_id == Thread.id, other.member != member, other.removed_at.is_(None))
    query = select(Thread.id).where(Thread.id.in_(thread_ids), or_(Thread.created_by == member, ~has_others))
    return set(session.scalars(query))


def _leave(locked: LockedThread, *, is_own: bool) -> None:
    if is_own:
        erase_thread(locked)
    elif locked.membership is not None:
        end_membership(locked, locked.membership)


def _erase_devices(session: Session, member: str) -> dict[str, int]:
    """Gone, unless others still verify what they signed."""
    connection = session.connection()
    theirs = select(ThreadDevice.device_id).where(ThreadDevice.member == member)
    wraps = connection.execute(delete(ThreadWrap).where(ThreadWrap.device_id.in_(theirs))).rowcount
    is_known = session.scalar(select(exists().where(ThreadMember.member == member)))
    if not is_known:
        devices = connection.execute(delete(ThreadDevice).where(ThreadDevice.member == member)).rowcount
    else:
        ended = {"state": DeviceState.REVOKED, "pass_hash": None, "pass_until": None}
        devices = connection.execute(update(ThreadDevice).where(ThreadDevice.member == member).values(ended)).rowcount
    return {"thread_wraps": wraps, "thread_devices": devices}


def _subjects(person: ErasedPerson) -> list[str]:
    return [thread_subject(thread_id) for thread_id in person.thread_ids]


THREADS_ERASER = RowEraser(
    "threads",
    frozenset(model.__tablename__ for model in (Thread, ThreadDevice, ThreadWrap, *_OF_THREAD.values())),
    _erase_threads,
)
