"""The audit of a thread: chaining an act in the transaction that does it, reading it back, verifying the chain."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.addresses import shorten_address
from core.moments import write_moment
from models.threads import Thread, ThreadAudit
from services.threads.audit_chain import AuditAction, AuditedAct, VerifiedAudit, verify_chain

_FETCH_ROWS = 1000


@dataclass(frozen=True)
class AuditedCaller:
    """Who acts, as the audit names them: a member, the network they call from, the request."""

    member: str
    ip: str | None
    request_id: str

    @classmethod
    def at(cls, member: str, address: str | None, request_id: str) -> "AuditedCaller":
        return cls(member, shorten_address(address), request_id)


def append_entry(
    session: Session,
    thread: Thread,
    caller: AuditedCaller,
    now: datetime,
    action: AuditAction,
    *,
    count: int | None,
    seqs: tuple[int, int] | None,
    result: str,
) -> None:
    """The thread's row must be locked: it holds the head of the chain."""
    seq_from, seq_to = seqs or (None, None)
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    act = AuditedAct(
        n=thread.audit_count + 1,
        at=write_moment(at),
        actor=caller.member,
        action=action,
        count=count,
        seq_from=seq_from,
        seq_to=seq_to,
        result=result,
        ip=caller.ip,
        request_id=caller.request_id,
    )
    head = act.hash_after(thread.audit_head, thread.id)
    row = {name: getattr(act, name) for name in ("n", "actor", "action", "count", "seq_from", "seq_to", "result")}
    session.add(ThreadAudit(thread_id=thread.id, at=at, ip=caller.ip, request_id=caller.request_id, hash=head, **row))
    thread.audit_head, thread.audit_count = head, act.n


def list_entries(session: Session, thread_id: str, *, after: int, limit: int) -> list[tuple[AuditedAct, str]]:
    """Acts and their hashes, in order, after an n. Empty for a thread that does not exist."""
    query = select(ThreadAudit).where(ThreadAudit.thread_id == thread_id, ThreadAudit.n > after)
    return [_act_of(row) for row in session.scalars(query.order_by(ThreadAudit.n).limit(limit))]


def verify_thread(session: Session, thread_id: str) -> VerifiedAudit | None:
    """None for a thread that does not exist. What is written meanwhile is not looked at."""
    end = select(Thread.audit_count, Thread.audit_head).where(Thread.id == thread_id)
    found = session.execute(end).one_or_none()
    if found is None:
        return None
    return verify_chain(thread_id, _entries(session, thread_id, found.audit_count), found.audit_count, found.audit_head)


def list_audited(session: Session) -> list[str]:
    """The ids of all threads."""
    return list(session.scalars(select(Thread.id).order_by(Thread.id)))


def _entries(session: Session, thread_id: str, last: int) -> Iterator[tuple[AuditedAct, str]]:
    query = select(ThreadAudit).where(ThreadAudit.thread_id == thread_id, ThreadAudit.n <= last)
    ordered = query.order_by(ThreadAudit.n).execution_options(yield_per=_FETCH_ROWS)
    return (_act_of(row) for row in session.scalars(ordered))


def _act_of(row: ThreadAudit) -> tuple[AuditedAct, str]:
    names = ("n", "actor", "action", "count", "seq_from", "seq_to", "result", "ip", "request_id")
    return AuditedAct(at=write_moment(row.at), **{name: getattr(row, name) for name in names}), row.hash
