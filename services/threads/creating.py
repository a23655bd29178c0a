"""Making a thread, and closing one."""

import secrets
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.base64url import encode_bytes
from core.names import thread_subject
from models.threads import KeyState, MemberRole, Thread, ThreadBlob, ThreadItem, ThreadMember, ThreadWrap
from services.delivery.rewritten import note_rewritten
from services.threads.acting import LockedThread, ThreadWork, lock_thread
from services.threads.audit_chain import FIRST_HEAD, AuditAction
from services.threads.encoding import SERVICE_MEMBER, THREAD_ID_BYTES
from services.threads.errors import ThreadNotFound, TooManyMembers
from services.threads.items import SystemEvent
from services.threads.service_member import ServiceMember


def create_thread(
    unit: ThreadWork, request_id: UUID, others: Mapping[str, MemberRole], service: ServiceMember | None = None
) -> tuple[str, bool]:
    """Its id, and whether it is new: the same request again gives the same thread. The caller becomes owner. With the
    `service` among the others it makes the first key.

    Raises TooManyMembers, and ThreadNotFound for a thread that was closed since.
    """
    members = {**others, unit.member: MemberRole.OWNER}
    if len(members) > unit.settings.members_max:
        raise TooManyMembers
    if service is not None and SERVICE_MEMBER in others:
        service.ensure_device(unit)
    thread_id = encode_bytes(secrets.token_bytes(THREAD_ID_BYTES))
    row = {
        "id": thread_id,
        "key_state": KeyState.MISSING,
        "audit_head": FIRST_HEAD,
        "created_by": unit.member,
        "request_id": request_id,
    }
    # Waits for whoever makes it at this moment.
    made = unit.session.scalar(insert(Thread).values(row).on_conflict_do_nothing().returning(Thread.id))
    if made is None:
        return _find_made(unit, request_id), False
    joined = [{"thread_id": made, "member": member, "role": role} for member, role in members.items()]
    unit.session.execute(insert(ThreadMember).values(joined))
    locked = lock_thread(unit, made)
    locked.audit(AuditAction.CREATE)
    if service is not None:
        service.tend(locked)
    return made, True


def _find_made(unit: ThreadWork, request_id: UUID) -> str:
    is_it = (Thread.created_by == unit.member, Thread.request_id == request_id, Thread.closed_at.is_(None))
    found = unit.session.scalar(select(Thread.id).where(*is_it))
    if found is None:
        raise ThreadNotFound
    return found


def close_thread(unit: ThreadWork, thread_id: str) -> list[UUID]:
    """Erase what was written and what it was sealed with; numbers and audit stay. Whose files are to be dropped after
    the commit. Raises ThreadNotFound, ThreadRoleTooSmall."""
    return erase_thread(lock_thread(unit, thread_id, MemberRole.OWNER))


def erase_thread(locked: LockedThread) -> list[UUID]:
    """The same for whoever holds the row already. Its stream in Redis is for the caller to forget, after the commit."""
    unit, row = locked.unit, locked.row
    had_payload = (ThreadItem.thread_id == row.id, ThreadItem.payload.is_not(None))
    unit.session.execute(update(ThreadItem).where(*had_payload).values(payload=None))
    note_rewritten(unit.session, [thread_subject(row.id)])
    unit.session.execute(delete(ThreadWrap).where(ThreadWrap.thread_id == row.id))
    blobs = delete(ThreadBlob).where(ThreadBlob.thread_id == row.id).returning(ThreadBlob.file_id)
    file_ids = list(unit.session.scalars(blobs))
    row.trimmed_seq = row.last_seq
    row.closed_at = func.clock_timestamp()
    locked.tell(SystemEvent.CLOSED, {})
    locked.audit(AuditAction.DELETE)
    return file_ids
