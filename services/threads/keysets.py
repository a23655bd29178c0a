"""The generations of a thread's key: made by an owner, sealed to all active devices, handed to each device its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.base64url import decode_bytes
from core.moments import is_moment
from models.threads import (
    DeviceState,
    KeyState,
    MemberRole,
    Thread,
    ThreadDevice,
    ThreadKeyset,
    ThreadMember,
    ThreadWrap,
)
from services.threads.acting import LockedThread, ThreadWork, lock_thread
from services.threads.audit_chain import AuditAction
from services.threads.devices import find_devices, require_active_device
from services.threads.encoding import hash_bytes, is_uuid, read_kid, write_kid
from services.threads.errors import KeyConflict, MalformedField, NotOwnDevice, ThreadRoleTooSmall, WrapsIncomplete
from services.threads.items import SystemEvent
from services.threads.signing import require_signature
from services.threads.texts import KeysetClaim, Recipient

_WRAPPED_BYTES, _CHECK_BYTES = 80, 16
FIRST_PREV = "-"
ROTATE_AFTER = timedelta(days=30)
ROTATE_AFTER_ITEMS = 2**24
HeldWraps = Mapping[int, Mapping[UUID | None, str]]
# Before every unit's `now`: that is read before the locks, so a push may have begun before the removal it waited for.
RETIRED_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class NewKeyset:
    """A keyset and its wraps, by device."""

    claim: KeysetClaim
    wraps: Mapping[str, str] = field(repr=False)

    @property
    def generation(self) -> int:
        return read_kid(self.claim.kid) or 0


def read_keyset(thread_id: str, told: Mapping[str, Any]) -> NewKeyset:
    """Raises MalformedField."""
    wraps = told["wraps"]
    recipients = tuple(
        Recipient(one["deviceId"], one["kemKey"], hash_bytes(_require_wrapped(one["wrapped"]))) for one in wraps
    )
    by_device = {one["deviceId"]: one["wrapped"] for one in wraps}
    if len(by_device) < len(wraps) or not all(map(is_uuid, by_device)):
        raise MalformedField("wraps")
    rules = {
        "kid": read_kid(told["kid"]) is not None,
        "createdAt": is_moment(told["createdAt"]),
        "createdBy": is_uuid(told["createdBy"]),
        "check": decode_bytes(told["check"], _CHECK_BYTES) is not None,
    }
    for name, is_right in rules.items():
        if not is_right:
            raise MalformedField(name)
    head = (told["kid"], told["createdAt"], told["createdBy"], told["check"], told["prev"])
    return NewKeyset(KeysetClaim(thread_id, *head, recipients, told["sig"]), by_device)


def _require_wrapped(wrapped: str) -> bytes:
    data = decode_bytes(wrapped, _WRAPPED_BYTES)
    if data is None:
        raise MalformedField("wraps")
    return data


def make_keyset(unit: ThreadWork, new: NewKeyset) -> bool:
    """Whether it is new: the same again is none. Raises ThreadNotFound, ThreadRoleTooSmall, and as `add_keyset`."""
    locked = lock_thread(unit, new.claim.thread_id, MemberRole.OWNER)
    if is_known_keyset(locked, new):
        return False
    add_keyset(locked, new, retires_at=retirement_of(unit))
    return True


def retirement_of(unit: ThreadWork) -> datetime:
    """Until when the older generations are taken after a rotation."""
    grace = timedelta(seconds=unit.settings.key_grace_seconds)
    return unit.now + grace if grace else RETIRED_AT_ONCE


def is_known_keyset(locked: LockedThread, new: NewKeyset) -> bool:
    """Its answer may have been lost."""
    known = locked.unit.session.get(ThreadKeyset, (locked.id, new.generation))
    return known is not None and known.hash == new.claim.hash and known.sig == new.claim.sig


def add_keyset(locked: LockedThread, new: NewKeyset, *, retires_at: datetime) -> None:
    """The next generation, for exactly the active devices of all who are members by now. Of those before it nothing is
    taken after `retires_at`; with RETIRED_AT_ONCE by nobody who gets the thread's lock after this unit.

    Raises KeyConflict, NotOwnDevice, WrapsIncomplete, WrongSignature.
    """
    session, row, claim = locked.unit.session, locked.row, new.claim
    _require_next(session, row, new)
    maker = require_active_device(locked.unit, claim.created_by)
    _require_all_devices(session, row.id, claim.recipients)
    require_signature(maker.sign_key, claim.sig, claim.text)
    older = (ThreadKeyset.thread_id == row.id, ThreadKeyset.generation < new.generation)
    sooner = func.least(func.coalesce(ThreadKeyset.retires_at, retires_at), retires_at)
    session.execute(update(ThreadKeyset).where(*older).values(retires_at=sooner))
    seq = locked.tell(SystemEvent.KEY, {"kid": claim.kid})
    session.add(_row_of(new, seq, locked.unit.now))
    wraps = [
        {"thread_id": row.id, "generation": new.generation, "device_id": UUID(device_id), "wrapped": wrapped}
        for device_id, wrapped in new.wraps.items()
    ]
    session.execute(insert(ThreadWrap).values(wraps))
    row.key_generation, row.key_state, row.key_seq, row.key_made_at = new.generation, KeyState.OK, seq, locked.unit.now
    locked.audit(AuditAction.KEY_ROTATE, seqs=(seq, seq))


def _row_of(new: NewKeyset, seq: int, now: datetime) -> ThreadKeyset:
    claim = new.claim
    recipients = [
        {"deviceId": one.device_id, "kemKey": one.kem_key, "wrapHash": one.wrap_hash} for one in claim.recipients
    ]
    return ThreadKeyset(
        thread_id=claim.thread_id,
        generation=new.generation,
        seq=seq,
        signed_at=claim.created_at,
        created_by=UUID(claim.created_by),
        secret_check=claim.check,
        prev=claim.prev,
        recipients=sorted(recipients, key=lambda one: one["deviceId"]),
        sig=claim.sig,
        hash=claim.hash,
        created_at=now,
    )


def find_newest_maker(locked: LockedThread) -> str | None:
    """The member whose device made the newest generation; None where there is no key yet."""
    is_newest = (ThreadKeyset.thread_id == locked.id, ThreadKeyset.generation == locked.row.key_generation)
    maker = select(ThreadDevice.member).join(ThreadKeyset, ThreadKeyset.created_by == ThreadDevice.device_id)
    return locked.unit.session.scalar(maker.where(*is_newest))


def _require_next(session: Session, row: Thread, new: NewKeyset) -> None:
    newest = session.get(ThreadKeyset, (row.id, row.key_generation))
    prev = newest.hash if newest is not None else FIRST_PREV
    if new.generation != row.key_generation + 1 or new.claim.prev != prev:
        raise KeyConflict({"next": write_kid(row.key_generation + 1)})


def _require_all_devices(session: Session, thread_id: str, recipients: Iterable[Recipient]) -> None:
    """A message that some device of a member cannot open must not be writable."""
    wanted = {(str(one.device_id), one.kem_key) for one in list_active_devices(session, thread_id)}
    sealed = {(one.device_id, one.kem_key) for one in recipients}
    if wanted != sealed:
        missing, unknown = ({device_id for device_id, _ in one} for one in (wanted - sealed, sealed - wanted))
        raise WrapsIncomplete({"missing": sorted(missing), "unknown": sorted(unknown)})


def list_active_devices(session: Session, thread_id: str) -> list[ThreadDevice]:
    """Of all members, by their ids."""
    members = select(ThreadMember.member).where(ThreadMember.thread_id == thread_id, ThreadMember.removed_at.is_(None))
    devices = find_devices(session, session.scalars(members).all())
    return [one for one in devices if one.state == DeviceState.ACTIVE]


def add_wraps(unit: ThreadWork, thread_id: str, kid: str, wraps: Mapping[str, str]) -> int:
    """Seal a secret to devices that lack it, or to one's own anew. How many were written.

    Raises ThreadNotFound, MalformedField, WrapsIncomplete; ThreadRoleTooSmall for whoever has no device that holds it.
    """
    locked = lock_thread(unit, thread_id)
    generation = _require_generation(unit.session, thread_id, kid)
    if not _holds(locked, generation):
        raise ThreadRoleTooSmall
    return store_wraps(locked, [(generation, device_id, wrapped) for device_id, wrapped in wraps.items()])


def drop_wrap(unit: ThreadWork, thread_id: str, kid: str, device_id: str) -> bool:
    """Of one's own device, one that does not open: it lacks that generation then, and gets another one. Whether there
    was one. Raises ThreadNotFound, MalformedField, NotOwnDevice."""
    locked = lock_thread(unit, thread_id)
    generation = _require_generation(unit.session, thread_id, kid)
    device = require_active_device(unit, device_id)
    found = unit.session.get(ThreadWrap, (thread_id, generation, device.device_id))
    if found is None:
        return False
    unit.session.delete(found)
    locked.audit(AuditAction.WRAP_DROP)
    return True


def _require_generation(session: Session, thread_id: str, kid: str) -> int:
    generation = read_kid(kid)
    if generation is None or session.get(ThreadKeyset, (thread_id, generation)) is None:
        raise MalformedField("kid")
    return generation


def _holds(locked: LockedThread, generation: int) -> bool:
    """Whether something of it is sealed to an active device of the caller: others have no secret to seal."""
    is_own = (ThreadDevice.member == locked.unit.member, ThreadDevice.state == DeviceState.ACTIVE)
    is_of = (ThreadWrap.thread_id == locked.id, ThreadWrap.generation == generation)
    query = select(ThreadWrap.device_id).join(ThreadDevice, ThreadDevice.device_id == ThreadWrap.device_id)
    return locked.unit.session.scalar(query.where(*is_own, *is_of).limit(1)) is not None


def store_wraps(locked: LockedThread, wraps: Sequence[tuple[int, str, str]]) -> int:
    """Of (generation, device, wrapped), for active devices of members. What is there stays, unless it is of a device of
    the caller's: what others sealed to it, which nobody can look into, must not keep out what its own member seals. Of
    two for one place the later counts. How many were written. Raises MalformedField, WrapsIncomplete."""
    for _, _, wrapped in wraps:
        _require_wrapped(wrapped)
    session = locked.unit.session
    active = {str(one.device_id): one.member for one in list_active_devices(session, locked.id)}
    unknown = sorted({device_id for _, device_id, _ in wraps} - active.keys())
    if unknown:
        raise WrapsIncomplete({"missing": [], "unknown": unknown})
    of_places = {(generation, device_id): wrapped for generation, device_id, wrapped in wraps}
    added = 0
    for is_own in (True, False):
        rows = [
            {"thread_id": locked.id, "generation": generation, "device_id": device_id, "wrapped": wrapped}
            for (generation, device_id), wrapped in of_places.items()
            if (active[device_id] == locked.unit.member) == is_own
        ]
        added += _insert_wraps(session, rows, replaces=is_own) if rows else 0
    if added:
        locked.audit(AuditAction.WRAP_ADD, count=added)
    return added


def _insert_wraps(session: Session, rows: Sequence[Mapping[str, Any]], *, replaces: bool) -> int:
    new = insert(ThreadWrap).values(rows)
    sealed = new.excluded.wrapped
    statement = (
        new.on_conflict_do_update(
            index_elements=["thread_id", "generation", "device_id"],
            set_={"wrapped": sealed},
            where=ThreadWrap.wrapped != sealed,
        )
        if replaces
        else new.on_conflict_do_nothing()
    )
    return session.connection().execute(statement).rowcount


def read_keys(unit: ThreadWork, thread_id: str, device_id: str) -> dict[str, Any]:
    """All generations, with what is sealed to one's own device while it is active, and which devices lack which. Raises
    ThreadNotFound, NotOwnDevice."""
    locked = lock_thread(unit, thread_id)
    session = unit.session
    device = session.get(ThreadDevice, UUID(device_id), populate_existing=True)
    if device is None or device.member != unit.member:
        raise NotOwnDevice
    keysets, held = load_keys(session, thread_id)
    locked.audit(AuditAction.KEY_READ)
    # A wrap may come for a device in a thread that its member has joined while they revoked it.
    opens = device.device_id if device.state == DeviceState.ACTIVE else None
    keys = [_describe_keyset(one, unit.now, held.get(one.generation, {}).get(opens)) for one in keysets]
    return {"keys": keys, "lacking": find_lacking(session, thread_id, keysets, held)}


def load_keys(session: Session, thread_id: str) -> tuple[Sequence[ThreadKeyset], HeldWraps]:
    """All generations in their order, and what is sealed of each, by device."""
    query = select(ThreadKeyset).where(ThreadKeyset.thread_id == thread_id).order_by(ThreadKeyset.generation)
    keysets = session.scalars(query.execution_options(populate_existing=True)).all()
    held: dict[int, dict[UUID | None, str]] = {}
    for wrap in session.scalars(select(ThreadWrap).where(ThreadWrap.thread_id == thread_id)):
        held.setdefault(wrap.generation, {})[wrap.device_id] = wrap.wrapped
    return keysets, held


def _describe_keyset(keyset: ThreadKeyset, now: datetime, wrapped: str | None) -> dict[str, Any]:
    return {
        "kid": write_kid(keyset.generation),
        "state": keyset_state(keyset.retires_at, now),
        "createdAt": keyset.signed_at,
        "createdBy": str(keyset.created_by),
        "check": keyset.secret_check,
        "prev": keyset.prev,
        "sig": keyset.sig,
        "recipients": keyset.recipients,
        "wrapped": wrapped,
    }


def find_lacking(
    session: Session, thread_id: str, keysets: Sequence[ThreadKeyset], held: HeldWraps
) -> list[dict[str, Any]]:
    """Of each active device those generations that its member may read and it cannot open."""
    seen_from = select(ThreadMember.member, ThreadMember.visible_from).where(
        ThreadMember.thread_id == thread_id, ThreadMember.removed_at.is_(None)
    )
    visible = {row[0]: row[1] for row in session.execute(seen_from)}
    lacking = []
    for device in list_active_devices(session, thread_id):
        kids = [
            write_kid(one.generation)
            for one in keysets
            if _is_readable(one, visible[device.member]) and device.device_id not in held.get(one.generation, {})
        ]
        if kids:
            lacking.append({"deviceId": str(device.device_id), "memberId": device.member, "kids": kids})
    return lacking


def _is_readable(keyset: ThreadKeyset, visible_from: int) -> bool:
    """Whoever came without the history came with a generation of their own."""
    return visible_from == 1 or keyset.seq >= visible_from


def keyset_state(retires_at: datetime | None, now: datetime) -> str:
    """Of a generation that retires then, None for the newest one."""
    if retires_at is None:
        return "active"
    return "retiring" if retires_at > now else "retired"


def key_state_of(thread: Thread, now: datetime) -> KeyState:
    """Also due by age, and by how much was written under the newest key."""
    if thread.key_state != KeyState.OK or thread.key_made_at is None:
        return KeyState(thread.key_state)
    is_old = now - thread.key_made_at > ROTATE_AFTER or thread.last_seq - thread.key_seq > ROTATE_AFTER_ITEMS
    return KeyState.DUE if is_old else KeyState.OK
