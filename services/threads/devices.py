"""The devices of members: registered by themselves, approved by another one or by operators, revoked; told in all their
threads."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.names import Task
from models.threads import DeviceState, DeviceType, KeyState, ThreadDevice, ThreadWrap
from services.threads.acting import LockedThread, OwnKind, ThreadWork, lock_own, lock_own_threads
from services.threads.audit_chain import AuditAction
from services.threads.errors import DeviceExists, DeviceNotFound, NotOwnDevice, TooManyDevices
from services.threads.items import SystemEvent
from services.threads.push_pass import drop_passes
from services.threads.signing import check_device, require_signature
from services.threads.texts import DeviceApproval, DeviceClaim

# In the audit: no device of the member has vouched for this one.
RESET = "reset"


def register_device(
    unit: ThreadWork, claim: DeviceClaim, *, device_type: DeviceType = DeviceType.BROWSER, is_reset: bool = False
) -> tuple[ThreadDevice, bool]:
    """The device, and whether it is new. The first that a member ever had is active; a later one waits for an active
    one's word. With `is_reset` its member was identified just now by other means, and it waits for nobody.

    Raises UnusableKey, WrongSignature, DeviceExists, TooManyDevices.
    """
    check_device(claim)
    lock_devices(unit)
    known = unit.session.get(ThreadDevice, UUID(claim.device_id), populate_existing=True)
    if known is not None:
        if claim_of(known) != claim or known.type != device_type:
            raise DeviceExists
        if is_reset and known.state == DeviceState.PENDING:
            _reset_device(unit, known)
        return known, False
    ever = find_devices(unit.session, [unit.member])
    if sum(one.state != DeviceState.REVOKED for one in ever) >= unit.settings.devices_max:
        raise TooManyDevices
    locked = lock_own_threads(unit)
    # A revoked one counts: else whoever has the login alone would revoke all, and be let in by a device of theirs.
    device = add_device(unit, claim, device_type, DeviceState.PENDING if ever and not is_reset else DeviceState.ACTIVE)
    _tell_device(locked, device, AuditAction.DEVICE_ADD, result=RESET if ever and is_reset else "ok")
    return device, True


def add_device(unit: ThreadWork, claim: DeviceClaim, device_type: DeviceType, state: DeviceState) -> ThreadDevice:
    """Of a claim that was checked, under `lock_devices`. No thread is told."""
    device = ThreadDevice(
        device_id=UUID(claim.device_id),
        member=claim.member,
        type=device_type,
        kem_key=claim.kem_key,
        sign_key=claim.sign_key,
        signed_at=claim.created_at,
        sig=claim.sig,
        state=state,
    )
    unit.session.add(device)
    unit.session.flush()
    return device


def approve_device(unit: ThreadWork, device_id: UUID, approval: DeviceApproval) -> ThreadDevice:
    """By an active device of the same member; twice is once. Raises DeviceNotFound, NotOwnDevice, WrongSignature."""
    lock_devices(unit)
    device = _own_device(unit, device_id)
    approver = require_active_device(unit, approval.approved_by)
    require_signature(approver.sign_key, approval.sig, approval.text_for(claim_of(device)))
    if device.state == DeviceState.PENDING:
        locked = lock_own_threads(unit)
        device.state, device.approved_by = DeviceState.ACTIVE, approver.device_id
        device.approval_at, device.approval_sig = approval.created_at, approval.sig
        unit.session.flush()
        _tell_device(locked, device, AuditAction.DEVICE_ADD)
    return device


def admit_device(unit: ThreadWork, fingerprint: str) -> ThreadDevice:
    """The one that waits and has this fingerprint, however that is spaced. An operator has identified its member, a
    member of staff: for patients a fresh approval on the phone does. Raises DeviceNotFound."""
    lock_devices(unit)
    letters = "".join(fingerprint.split()).upper()
    for device in find_devices(unit.session, [unit.member]):
        if device.state == DeviceState.PENDING and claim_of(device).fingerprint.replace(" ", "") == letters:
            _reset_device(unit, device)
            return device
    raise DeviceNotFound


def _reset_device(unit: ThreadWork, device: ThreadDevice) -> None:
    locked = lock_own_threads(unit)
    device.state = DeviceState.ACTIVE
    unit.session.flush()
    _tell_device(locked, device, AuditAction.DEVICE_ADD, result=RESET)


def revoke_device(unit: ThreadWork, device_id: UUID) -> ThreadDevice:
    """Nothing of it is taken any more, and the next key is not sealed to it. Twice is once. Raises DeviceNotFound."""
    lock_devices(unit)
    device = _own_device(unit, device_id)
    if device.state != DeviceState.REVOKED:
        # Whoever seals to it holds its thread's row: they are done before, or find it revoked.
        locked = lock_own_threads(unit)
        was_active = device.state == DeviceState.ACTIVE
        device.state, device.revoked_at = DeviceState.REVOKED, unit.now
        drop_passes(device)
        unit.session.execute(delete(ThreadWrap).where(ThreadWrap.device_id == device_id))
        unit.session.flush()
        _tell_device(locked, device, AuditAction.DEVICE_REVOKE, is_told=was_active)
    return device


def _tell_device(
    threads: Sequence[LockedThread],
    device: ThreadDevice,
    action: AuditAction,
    *,
    is_told: bool = True,
    result: str = "ok",
) -> None:
    """In every thread of its member; where the service is, it sees to the keys after it. One that waits for its
    approval concerns the audit alone."""
    is_pending = device.state == DeviceState.PENDING
    is_revoked = device.state == DeviceState.REVOKED
    event = SystemEvent.DEVICE_REVOKED if is_revoked else SystemEvent.DEVICE_ADDED
    if threads and not is_pending:
        work, request_id = threads[0].unit.work, threads[0].unit.caller.request_id
        work.send(Task.TEND_THREADS_OF_DEVICE, str(device.device_id), request_id)
    for locked in threads:
        if is_told and not is_pending:
            locked.tell(event, {"memberId": device.member, "deviceId": str(device.device_id)})
        if is_revoked and is_told and locked.row.key_state == KeyState.OK:
            locked.row.key_state = KeyState.DUE
        locked.audit(action, result="pending" if is_pending else result)


def require_active_device(unit: ThreadWork, device_id: str) -> ThreadDevice:
    """Of the caller. Raises NotOwnDevice."""
    device = unit.session.get(ThreadDevice, UUID(device_id), populate_existing=True)
    if device is None or device.member != unit.member or device.state != DeviceState.ACTIVE:
        raise NotOwnDevice
    return device


def find_devices(session: Session, members: Iterable[str]) -> list[ThreadDevice]:
    """Of these members, in whatever state."""
    query = select(ThreadDevice).where(ThreadDevice.member.in_(members)).order_by(ThreadDevice.device_id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def claim_of(device: ThreadDevice) -> DeviceClaim:
    ids = (str(device.device_id), device.member)
    return DeviceClaim(*ids, device.kem_key, device.sign_key, device.signed_at, device.sig)


def describe_device(device: ThreadDevice) -> dict[str, Any]:
    """As it signed itself, with its state, and with the approval where there is one."""
    told = {
        "deviceId": str(device.device_id),
        "memberId": device.member,
        "type": device.type,
        "kemKey": device.kem_key,
        "signKey": device.sign_key,
        "createdAt": device.signed_at,
        "sig": device.sig,
        "state": device.state,
    }
    if device.approved_by is None:
        return told
    approval = {"approvedBy": str(device.approved_by), "createdAt": device.approval_at, "sig": device.approval_sig}
    return told | {"approval": approval}


def lock_devices(unit: ThreadWork) -> None:
    """Those of the caller, until the unit ends; before any row of a thread."""
    # Two first devices of a member at once must not both be the first.
    lock_own(unit, OwnKind.DEVICES)


def _own_device(unit: ThreadWork, device_id: UUID) -> ThreadDevice:
    device = unit.session.get(ThreadDevice, device_id, populate_existing=True)
    if device is None or device.member != unit.member:
        raise DeviceNotFound
    return device
