"""Reading a thread: its newest items, a range of them, where everybody stands, and acknowledging what was read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from models.threads import MemberRole, Thread, ThreadMember
from services.delivery.event_log import read_epoch
from services.threads.acting import LockedThread, ThreadWork, lock_thread
from services.threads.audit_chain import AuditAction
from services.threads.devices import describe_device, find_devices
from services.threads.encoding import write_kid
from services.threads.errors import MalformedField, ThreadNotFound, ThreadRoleTooSmall
from services.threads.keysets import key_state_of
from services.threads.membership import describe_members, list_members
from services.threads.pages import read_page
from streams import StoredEvent

PAGE_ITEMS, PAGE_BYTES = 500, 1024 * 1024
_GAPS_MAX = 1000
_MISSING_CLIENT_SEQS = text("""
    select client_id, before + 1 as first, client_seq - 1 as last from (
        select client.client_id, item.client_seq, lag(item.client_seq, 1, client.contiguous_seq)
            over (partition by client.client_id order by item.client_seq) as before
        from welno.welno_thread_clients client
        join welno.welno_thread_items item on item.thread_id = client.thread_id and item.client_id = client.client_id
            and item.client_seq > client.contiguous_seq
        where client.thread_id = :id and client.highest_seq > client.contiguous_seq
    ) came where client_seq > before + 1 order by client_id, first limit :most
""")


@dataclass(frozen=True)
class ItemPage:
    """Items in order. `trimmed` are the numbers whose payloads are gone, of those that were asked for."""

    items: Sequence[StoredEvent]
    last_seq: int
    epoch: str
    has_more: bool
    trimmed: tuple[int, int] | None = None

    def to_json(self) -> list[Any]:
        return [orjson.Fragment(item.to_json()) for item in self.items]


def read_recent(unit: ThreadWork, thread_id: str, *, limit: int, before: int | None) -> ItemPage:
    """The newest below a number, as many as fit. Raises ThreadNotFound."""
    locked = lock_thread(unit, thread_id)
    first, end = _first_readable(locked), locked.row.last_seq + 1
    items = _read(locked, first=first, before=min(before or end, end), limit=limit, takes_newest=True)
    _audit_read(locked, AuditAction.RECENT, items)
    return ItemPage(items, locked.row.last_seq, locked.epoch, bool(items) and items[0].seq > first)


def read_range(unit: ThreadWork, thread_id: str, *, first: int, last: int | None) -> ItemPage:
    """From a number on, as many as fit. Raises ThreadNotFound."""
    locked = lock_thread(unit, thread_id)
    end = min(last or locked.row.last_seq, locked.row.last_seq)
    begin = max(first, _first_readable(locked))
    items = _read(locked, first=begin, before=end + 1, limit=PAGE_ITEMS)
    _audit_read(locked, AuditAction.RANGE, items)
    gone_from, gone_to = max(first, _visible_from(locked)), min(locked.row.trimmed_seq, end)
    trimmed = (gone_from, gone_to) if gone_from <= gone_to else None
    return ItemPage(items, locked.row.last_seq, locked.epoch, bool(items) and items[-1].seq < end, trimmed)


def _read(
    locked: LockedThread, *, first: int, before: int, limit: int, takes_newest: bool = False
) -> list[StoredEvent]:
    session, bounds = locked.unit.session, {"first": first, "before": before, "limit": limit, "max_bytes": PAGE_BYTES}
    page = read_page(session, locked.id, **bounds, takes_newest=takes_newest)
    return [StoredEvent.from_body(seq, locked.epoch, body) for seq, body in page]


def _visible_from(locked: LockedThread) -> int:
    return locked.membership.visible_from if locked.membership is not None else 1


def _first_readable(locked: LockedThread) -> int:
    return max(_visible_from(locked), locked.row.trimmed_seq + 1)


def _audit_read(locked: LockedThread, action: AuditAction, items: Sequence[StoredEvent]) -> None:
    locked.audit(action, count=len(items), seqs=(items[0].seq, items[-1].seq) if items else None)


def acknowledge(unit: ThreadWork, thread_id: str, seq: int) -> int:
    """Up to which the member has read; it never falls. Raises ThreadNotFound, MalformedField."""
    locked = lock_thread(unit, thread_id)
    if locked.membership is None:
        raise ThreadNotFound
    if seq > locked.row.last_seq:
        raise MalformedField("seq")
    locked.membership.acked_seq = max(locked.membership.acked_seq, seq)
    locked.audit(AuditAction.ACK, seqs=(seq, seq))
    return locked.membership.acked_seq


@dataclass(frozen=True)
class OpenThread:
    """A thread as its member sees it, without a lock on it."""

    row: Thread
    membership: ThreadMember
    epoch: str


def find_thread(session: Session, thread_id: str, member: str) -> OpenThread:
    """Raises ThreadNotFound."""
    found = find_threads(session, member, [thread_id])
    if not found:
        raise ThreadNotFound
    return found[0]


def find_threads(session: Session, member: str, thread_ids: Sequence[str] | None = None) -> list[OpenThread]:
    """Those that the member is in, in the order of their ids; of these alone, where they are named."""
    query = (
        select(Thread, ThreadMember)
        .join(ThreadMember, ThreadMember.thread_id == Thread.id)
        .where(ThreadMember.member == member, ThreadMember.removed_at.is_(None), Thread.closed_at.is_(None))
        .order_by(Thread.id)
    )
    if thread_ids is not None:
        query = query.where(Thread.id.in_(thread_ids))
    epoch = read_epoch(session)
    return [OpenThread(row, membership, epoch) for row, membership in session.execute(query)]


def find_memberships(session: Session, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of (thread, member) those that hold."""
    is_in = (ThreadMember.removed_at.is_(None), Thread.closed_at.is_(None))
    query = (
        select(ThreadMember.thread_id, ThreadMember.member)
        .join(Thread, Thread.id == ThreadMember.thread_id)
        .where(tuple_(ThreadMember.thread_id, ThreadMember.member).in_(pairs), *is_in)
    )
    return {(row[0], row[1]) for row in session.execute(query)}


@dataclass(frozen=True, slots=True)
class EndedMembership:
    """Since when, and whether it ended with the thread."""

    at: datetime
    is_closed: bool


def find_endings(session: Session, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], EndedMembership]:
    """Of (thread, member) those that held once, and whose moment is known."""
    query = (
        select(ThreadMember.thread_id, ThreadMember.member, ThreadMember.removed_at, Thread.closed_at)
        .join(Thread, Thread.id == ThreadMember.thread_id)
        .where(tuple_(ThreadMember.thread_id, ThreadMember.member).in_(pairs))
    )
    found = {}
    for thread_id, member, removed_at, closed_at in session.execute(query):
        at = removed_at or closed_at
        if at is not None:
            found[(thread_id, member)] = EndedMembership(at, is_closed=removed_at is None)
    return found


def note_reader(unit: ThreadWork, thread_id: str, action: AuditAction, result: str = "ok") -> None:
    """That somebody follows the thread from now on, or no longer, or was refused. Raises ThreadNotFound."""
    lock_thread(unit, thread_id).audit(action, result=result)


def describe_threads(unit: ThreadWork) -> list[dict[str, Any]]:
    """One's own: one call tells where news are."""
    return [
        {
            "threadId": one.row.id,
            "epoch": one.epoch,
            "lastSeq": one.row.last_seq,
            "ackedSeq": one.membership.acked_seq,
            "role": one.membership.role,
            "keyState": key_state_of(one.row, unit.now),
        }
        for one in find_threads(unit.session, unit.member)
    ]


def describe_created(unit: ThreadWork, thread_id: str) -> dict[str, Any]:
    """As it stands after it was made. Raises ThreadNotFound."""
    found = find_thread(unit.session, thread_id, unit.member)
    return {
        "threadId": thread_id,
        "epoch": found.epoch,
        "lastSeq": found.row.last_seq,
        "keyState": key_state_of(found.row, unit.now),
        "members": describe_members(list_members(unit.session, thread_id)),
    }


def describe_status(unit: ThreadWork, thread_id: str) -> dict[str, Any]:
    """Who is in and how far everybody is. Raises ThreadNotFound."""
    found = find_thread(unit.session, thread_id, unit.member)
    members = list_members(unit.session, thread_id)
    missing = unit.session.execute(_MISSING_CLIENT_SEQS, {"id": thread_id, "most": _GAPS_MAX})
    return {
        "lastSeq": found.row.last_seq,
        "epoch": found.epoch,
        "kid": newest_kid(found.row),
        "keyState": key_state_of(found.row, unit.now),
        "role": found.membership.role,
        "members": describe_members(members),
        "acks": [{"memberId": one.member, "ackedSeq": one.acked_seq} for one in members],
        "gaps": [{"clientId": str(row.client_id), "from": row.first, "to": row.last} for row in missing],
    }


def newest_kid(row: Thread) -> str | None:
    return write_kid(row.key_generation) if row.key_generation else None


def describe_devices(unit: ThreadWork, thread_id: str, joining: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """`devices` are of all who are in, and of whom an owner is about to add; `formerDevices` of those who were in: what
    they wrote must stay verifiable, and nothing is sealed to them. Raises ThreadNotFound, ThreadRoleTooSmall."""
    own = find_thread(unit.session, thread_id, unit.member).membership
    if joining is not None and own.role != MemberRole.OWNER:
        raise ThreadRoleTooSmall
    present = {one.member for one in list_members(unit.session, thread_id)} | ({joining} if joining else set())
    everybody = set(unit.session.scalars(select(ThreadMember.member).where(ThreadMember.thread_id == thread_id)))
    told: dict[str, list[dict[str, Any]]] = {"devices": [], "formerDevices": []}
    for one in find_devices(unit.session, everybody | present):
        told["devices" if one.member in present else "formerDevices"].append(describe_device(one))
    return told
