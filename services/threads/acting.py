"""One unit of a member: whose it is, the locks on threads' rows, and the numbers of what is written under them.

Order of locks: what a member has (`lock_own`), the rows of threads by id, then whatever belongs to them.
Whoever numbers an item or writes to the audit holds the thread's row, so the order of commits is the order of numbers.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Self

from sqlalchemy import BindParameter, ColumnElement, Row, Select, bindparam, exists, func, insert, select, text
from sqlalchemy.orm import Session

from core.clock import Clock
from core.names import thread_subject
from core.settings import ThreadSettings
from models.delivery import LogEpoch
from models.threads import MemberRole, Thread, ThreadItem, ThreadMember
from services.advisory_locks import lock_name
from services.delivery.unit_of_work import UnitOfWork, Work
from services.threads.audit import AuditedCaller, append_entry
from services.threads.audit_chain import AuditAction
from services.threads.envelopes import Envelope
from services.threads.errors import ThreadNotFound, ThreadRoleTooSmall, ThreadsError
from services.threads.items import ItemType, SystemEvent, message_body, system_body, with_payload
from streams import EventBatch

# Made once, and of the table: an item needs nothing of the ORM.
_ADD_ITEMS = insert(ThreadItem.__table__)  # type: ignore[arg-type] # the stubs know it as any FROM
_NAMED: BindParameter[Any] = bindparam("thread_ids", expanding=True)
_LOCK_TIMEOUT = text("set local lock_timeout = '2s'")
# What only was looked at may be lost for half a second by a crash of PostgreSQL.
_ASYNCHRONOUS = text("set local synchronous_commit = off")


class OwnKind(Enum):
    """What a member has, for which no row stands that could be locked: its lock is of `prefix` and the member, under
    `seed`.

    The two differ in form, as a version that is rolled out beside an older one excludes it only by the very same key.
    Threads have had these from the first on. Only what was built within a few hours of one day, between two releases,
    had `thread_devices:` and the member for devices; it is not excluded.
    """

    DEVICES = ("", 40)
    BLOBS = ("thread_blobs:", 0)

    def __init__(self, prefix: str, seed: int) -> None:
        self.prefix = prefix
        self.seed = seed


@dataclass(frozen=True)
class ThreadWork:
    """What one member does in one unit; `now` is one moment for the whole of it."""

    work: Work
    caller: AuditedCaller
    now: datetime
    settings: ThreadSettings

    @property
    def session(self) -> Session:
        return self.work.session

    @property
    def member(self) -> str:
        return self.caller.member


@dataclass(frozen=True, slots=True)
class AuditedAttempt:
    """What a unit is for, in the words of the audit. Without a thread it concerns all that the caller is in."""

    action: AuditAction
    thread_id: str | None = None


class ThreadUnitOfWork:
    """Opens units for members; built once by each process."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, settings: ThreadSettings) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._settings = settings

    @contextmanager
    def __call__(
        self, caller: AuditedCaller, *, only_reads: bool = False, attempt: AuditedAttempt | None = None
    ) -> Iterator[ThreadWork]:
        """An attempt that a ThreadsError refuses is audited in a unit of its own: the first one is rolled back. Of
        whoever is no member of the thread nothing is written."""
        try:
            with self._open(caller, only_reads=only_reads) as unit:
                yield unit
        except ThreadsError as exc:
            if attempt is not None:
                with self._open(caller) as unit:
                    _audit_refusal(unit, attempt, exc.code)
            raise

    @contextmanager
    def _open(self, caller: AuditedCaller, *, only_reads: bool = False) -> Iterator[ThreadWork]:
        with self._unit_of_work() as work:
            if only_reads:
                work.session.execute(_ASYNCHRONOUS)
            yield self.enter(work, caller)

    def enter(self, work: Work, caller: AuditedCaller) -> ThreadWork:
        """For a unit that somebody else has opened."""
        return ThreadWork(work, caller, self._clock.now(), self._settings)


@dataclass(frozen=True)
class NewItem:
    """What is to be numbered. `envelope` is None for what the server tells."""

    type: ItemType
    body: bytes
    envelope: Envelope | None = None

    @classmethod
    def of_envelope(cls, envelope: Envelope, sender: str, at: datetime) -> Self:
        return cls(ItemType.MESSAGE, message_body(envelope, sender, at), envelope)

    @property
    def whole(self) -> bytes:
        return self.body if self.envelope is None else with_payload(self.body, self.envelope.payload)

    def to_row(self) -> dict[str, Any]:
        row = {"type": self.type, "body": self.body.decode()}
        said = self.envelope
        if said is None:
            return row | dict.fromkeys(("dedupe_id", "client_id", "client_seq", "digest", "payload"))
        ids = {"dedupe_id": said.dedupe_id, "client_id": said.client_id, "client_seq": said.client_seq}
        return row | ids | {"digest": said.digest, "payload": said.payload}


@dataclass(frozen=True)
class LockedThread:
    """A thread whose row this unit holds until its end, and the caller's membership, if they have one."""

    unit: ThreadWork
    row: Thread
    epoch: str
    membership: ThreadMember | None

    @property
    def id(self) -> str:
        return self.row.id

    def require_role(self, role: MemberRole) -> None:
        """Raises ThreadNotFound, ThreadRoleTooSmall."""
        if self.membership is None:
            raise ThreadNotFound
        if not MemberRole(self.membership.role).includes(role):
            raise ThreadRoleTooSmall

    def append(self, items: Sequence[NewItem]) -> int:
        """Number and keep them; the number of the first. They leave after the commit."""
        first = self.row.last_seq + 1
        rows = [
            item.to_row() | {"thread_id": self.id, "seq": seq, "created_at": self.unit.now}
            for seq, item in enumerate(items, start=first)
        ]
        self.unit.session.flush()
        self.unit.session.execute(_ADD_ITEMS, rows)
        self.row.last_seq += len(items)
        self.row.changed_at = func.clock_timestamp()
        bodies = [item.whole for item in items]
        self.unit.work.note_numbered(EventBatch(thread_subject(self.id), self.epoch, first, bodies))
        return first

    def tell(self, event: SystemEvent, data: Mapping[str, Any]) -> int:
        """What the server says in the order of the messages; its number."""
        body = system_body(self.id, event, self.unit.member, data, self.unit.now)
        return self.append([NewItem(ItemType.SYSTEM, body)])

    def audit(
        self,
        action: AuditAction,
        *,
        count: int | None = None,
        seqs: tuple[int, int] | None = None,
        result: str = "ok",
    ) -> None:
        """Chain one act of the caller."""
        append_entry(
            self.unit.session, self.row, self.unit.caller, self.unit.now, action, count=count, seqs=seqs, result=result
        )


def lock_threads(unit: ThreadWork, thread_ids: Collection[str], member: str | None = None) -> dict[str, LockedThread]:
    """Those of them that are open and that `member`, or else the caller, is in; of others not even a lock is taken."""
    theirs = {"member": member or unit.member, "thread_ids": list(thread_ids)}
    rows = _lock_rows(unit, _LOCK_OPEN, theirs)
    # Again under the lock: a removal may have come between.
    fresh = unit.session.scalars(_MEMBERSHIPS, theirs | {"thread_ids": [row.id for row, _ in rows]})
    memberships = {one.thread_id: one for one in fresh}
    return {row.id: LockedThread(unit, row, epoch, memberships[row.id]) for row, epoch in rows if row.id in memberships}


def lock_for_audit(unit: ThreadWork, thread_id: str) -> LockedThread | None:
    """Also a closed one, and one that the caller is in no more: for the end of what they began while they were."""
    rows = _lock_rows(unit, _LOCK_ANY, {"thread_id": thread_id})
    found = [LockedThread(unit, row, epoch, None) for row, epoch in rows]
    return found[0] if found else None


def lock_thread(unit: ThreadWork, thread_id: str, role: MemberRole = MemberRole.READER) -> LockedThread:
    """Raises ThreadNotFound, ThreadRoleTooSmall."""
    locked = lock_threads(unit, [thread_id]).get(thread_id)
    if locked is None:
        raise ThreadNotFound
    locked.require_role(role)
    return locked


def lock_own(unit: ThreadWork, kind: OwnKind) -> None:
    """What the caller has of a kind, until the unit ends. It waits no longer than for rows."""
    unit.session.execute(_LOCK_TIMEOUT)
    lock_name(unit.session, f"{kind.prefix}{unit.member}", seed=kind.seed)


def lock_own_threads(unit: ThreadWork) -> list[LockedThread]:
    """All open ones that the caller is in."""
    own = select(ThreadMember.thread_id).where(*_is_member(unit.member))
    return list(lock_threads(unit, unit.session.scalars(own).all()).values())


def _lock_rows(
    unit: ThreadWork, query: Select[Thread, str], parameters: Mapping[str, Any]
) -> Sequence[Row[Thread, str]]:
    unit.session.execute(_LOCK_TIMEOUT)
    return unit.session.execute(query, parameters).all()


def _audit_refusal(unit: ThreadWork, attempt: AuditedAttempt, code: str) -> None:
    if attempt.thread_id is None:
        threads = lock_own_threads(unit)
    else:
        threads = list(lock_threads(unit, [attempt.thread_id]).values())
    for locked in threads:
        locked.audit(attempt.action, result=code)


def _is_member(member: Any) -> tuple[Any, Any]:
    return ThreadMember.member == member, ThreadMember.removed_at.is_(None)


def _locking(*which: ColumnElement[bool]) -> Select[Thread, str]:
    return (
        select(Thread, select(LogEpoch.epoch).scalar_subquery())
        .where(*which)
        .order_by(Thread.id)
        .with_for_update(of=Thread, key_share=True)
        .execution_options(populate_existing=True)
    )


# Made once: each write to a thread begins with them.
_OF_MEMBER = _is_member(bindparam("member"))
_LOCK_OPEN = _locking(
    Thread.id.in_(_NAMED), Thread.closed_at.is_(None), exists().where(*_OF_MEMBER, ThreadMember.thread_id == Thread.id)
)
_LOCK_ANY = _locking(Thread.id == bindparam("thread_id"))
_MEMBERSHIPS = (
    select(ThreadMember)
    .where(*_OF_MEMBER, ThreadMember.thread_id.in_(_NAMED))
    .execution_options(populate_existing=True)
)
