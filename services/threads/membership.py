"""Who is in a thread, as what: adding, changing roles, removing; each told in the order of the messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.threads import KeyState, MemberRole, ThreadMember
from services.threads.acting import LockedThread, ThreadWork, lock_thread
from services.threads.audit_chain import AuditAction
from services.threads.encoding import SERVICE_MEMBER, read_kid
from services.threads.errors import (
    KeysetNeeded,
    LastOwner,
    MalformedField,
    MemberAlready,
    ThreadMemberNotFound,
    ThreadRoleTooSmall,
    TooManyMembers,
)
from services.threads.items import SystemEvent
from services.threads.keysets import (
    RETIRED_AT_ONCE,
    NewKeyset,
    add_keyset,
    find_newest_maker,
    is_known_keyset,
    store_wraps,
)
from services.threads.service_member import ServiceMember


@dataclass(frozen=True)
class NewMember:
    """`with_history`: they may read from the first item on, with the wraps of (kid, device, wrapped) that come with
    them; without it a new generation is needed, and they begin with it."""

    member: str
    role: MemberRole
    with_history: bool
    wraps: Sequence[tuple[str, str, str]] = field(default=(), repr=False)
    keyset: NewKeyset | None = None


def add_member(unit: ThreadWork, thread_id: str, new: NewMember, service: ServiceMember | None = None) -> bool:
    """Whether they were not in yet; the same again changes nothing. Where the `service` is a member, or becomes one, it
    makes the keyset that is missing, and the wraps.

    Raises ThreadNotFound, ThreadRoleTooSmall, MemberAlready, TooManyMembers, KeysetNeeded, and as `add_keyset` and
    `store_wraps`.
    """
    if service is not None and new.member == SERVICE_MEMBER:
        service.ensure_device(unit)
    locked = lock_thread(unit, thread_id, MemberRole.OWNER)
    known = find_member(locked, new.member)
    if known is not None and known.removed_at is None:
        _require_the_same(known, new)
        return False
    if _count(locked) >= unit.settings.members_max:
        raise TooManyMembers
    needs_keyset = not new.with_history and new.keyset is None and locked.row.key_generation > 0
    if needs_keyset and not _has_maker(locked, new.member, service):
        raise KeysetNeeded
    joined = known or ThreadMember(thread_id=thread_id, member=new.member, acked_seq=0)
    joined.role, joined.removed_at = new.role, None
    joined.joined_seq = locked.tell(SystemEvent.MEMBER_ADDED, {"memberId": new.member, "role": new.role})
    joined.visible_from = 1 if new.with_history else joined.joined_seq
    joined.acked_seq = max(joined.acked_seq, joined.visible_from - 1)
    unit.session.add(joined)
    unit.session.flush()
    locked.audit(AuditAction.MEMBER_ADD, seqs=(joined.joined_seq, joined.joined_seq))
    if new.keyset is not None:
        # At once: nothing that comes now may be under a key that the new member lacks.
        add_keyset(locked, new.keyset, retires_at=RETIRED_AT_ONCE)
    store_wraps(locked, [(_generation(locked, kid), device_id, wrapped) for kid, device_id, wrapped in new.wraps])
    if service is not None:
        service.tend(locked, at_once=needs_keyset)
    return True


def _require_the_same(known: ThreadMember, new: NewMember) -> None:
    """A lost answer is asked for again; what differs is no repetition. A role is changed by a call of its own, and what
    somebody has read cannot be taken from them. Raises MemberAlready."""
    if known.role != new.role:
        raise MemberAlready("role")
    if known.visible_from != (1 if new.with_history else known.joined_seq):
        raise MemberAlready("history")


def _has_maker(locked: LockedThread, joining: str, service: ServiceMember | None) -> bool:
    """Whether the service can make the keyset that is missing."""
    if service is None:
        return False
    if joining == SERVICE_MEMBER:
        return service.can_make_keys(locked.unit.session)
    return service.enter(locked) is not None


def _generation(locked: LockedThread, kid: str) -> int:
    generation = read_kid(kid)
    if generation is None or generation > locked.row.key_generation:
        raise MalformedField("wraps")
    return generation


def change_role(unit: ThreadWork, thread_id: str, member: str, role: MemberRole) -> None:
    """The same again changes nothing. Raises ThreadNotFound, ThreadRoleTooSmall, ThreadMemberNotFound, LastOwner."""
    locked = lock_thread(unit, thread_id, MemberRole.OWNER)
    known = find_member(locked, member)
    if known is None or known.removed_at is not None:
        raise ThreadMemberNotFound
    if known.role == role:
        return
    _require_another_owner(locked, known)
    set_role(locked, known, role)


def set_role(locked: LockedThread, known: ThreadMember, role: MemberRole) -> None:
    """Whoever steps down must have been seen not to be the last owner."""
    is_owner_no_more = known.role == MemberRole.OWNER and role != MemberRole.OWNER
    known.role = role
    locked.unit.session.flush()
    seq = locked.tell(SystemEvent.ROLE_CHANGED, {"memberId": known.member, "role": role})
    if is_owner_no_more and find_newest_maker(locked) == known.member != SERVICE_MEMBER:
        # Devices that have not opened it believe its maker no more.
        _make_key_due(locked)
    locked.audit(AuditAction.ROLE_CHANGE, seqs=(seq, seq))


def remove_member(
    unit: ThreadWork, thread_id: str, member: str, keyset: NewKeyset | None, service: ServiceMember | None = None
) -> None:
    """With a new generation in the same transaction: no older key is taken from now on. Where the `service` stays it
    makes the one that is missing. Else whoever leaves by themself needs none, and leaves it due. The same again changes
    nothing.

    Raises ThreadNotFound, ThreadRoleTooSmall, ThreadMemberNotFound, LastOwner, KeysetNeeded, and as `add_keyset`.
    """
    is_oneself = member == unit.member
    locked = lock_thread(unit, thread_id, MemberRole.READER if is_oneself else MemberRole.OWNER)
    known = find_member(locked, member)
    if known is None:
        raise ThreadMemberNotFound
    if known.removed_at is not None:
        if keyset is not None and not is_known_keyset(locked, keyset):
            raise ThreadMemberNotFound
        return
    _require_another_owner(locked, known)
    needs_keyset = keyset is None and not is_oneself and locked.row.key_generation > 0
    may_serve = keyset is None and member != SERVICE_MEMBER
    served = service.enter(locked) if service is not None and may_serve else None
    if needs_keyset and served is None:
        raise KeysetNeeded
    if keyset is not None and is_oneself:  # whoever leaves must not make the key of those who stay
        raise ThreadRoleTooSmall
    end_membership(locked, known)
    if keyset is not None:
        add_keyset(locked, keyset, retires_at=RETIRED_AT_ONCE)
    elif served is not None:
        served.tend(at_once=locked.row.key_generation > 0)


def end_membership(locked: LockedThread, known: ThreadMember) -> None:
    """They are out with this item: readers of the thread see it, and theirs end with it."""
    known.removed_at = locked.unit.now
    locked.unit.session.flush()
    seq = locked.tell(SystemEvent.MEMBER_REMOVED, {"memberId": known.member})
    _make_key_due(locked)
    locked.audit(AuditAction.MEMBER_REMOVE, seqs=(seq, seq))


def _make_key_due(locked: LockedThread) -> None:
    if locked.row.key_state == KeyState.OK:
        locked.row.key_state = KeyState.DUE


def find_member(locked: LockedThread, member: str) -> ThreadMember | None:
    """Also one who was removed."""
    return locked.unit.session.get(ThreadMember, (locked.id, member), populate_existing=True)


def _require_another_owner(locked: LockedThread, known: ThreadMember) -> None:
    """The service is nobody who could manage a thread for people."""
    others = [
        one for one in list_members(locked.unit.session, locked.id) if one.member not in {known.member, SERVICE_MEMBER}
    ]
    is_last = not any(one.role == MemberRole.OWNER for one in others)
    if known.role == MemberRole.OWNER and known.member != SERVICE_MEMBER and is_last:
        raise LastOwner


def _count(locked: LockedThread) -> int:
    query = select(func.count()).select_from(ThreadMember)
    query = query.where(ThreadMember.thread_id == locked.id, ThreadMember.removed_at.is_(None))
    return locked.unit.session.scalar(query) or 0


def list_members(session: Session, thread_id: str) -> list[ThreadMember]:
    """Who is in, by their ids."""
    query = select(ThreadMember).where(ThreadMember.thread_id == thread_id, ThreadMember.removed_at.is_(None))
    return list(session.scalars(query.order_by(ThreadMember.member)))


def describe_members(members: Sequence[ThreadMember]) -> list[Mapping[str, Any]]:
    return [{"memberId": one.member, "role": one.role, "visibleFrom": one.visible_from} for one in members]
