"""`service:welno` as a member: it makes and rotates the keys of the threads that it is in, and seals them to devices.

Everything is decided under the thread's row from what stands there, so twice is once, and nobody is raced: an owner
who makes the same generation at the same moment is before it, or hears KEY_CONFLICT.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.names import Task
from core.sealing import Sealer, SealError
from models.threads import (
    DeviceState,
    DeviceType,
    KeyState,
    ThreadDevice,
    ThreadKeyset,
    ThreadMember,
    ThreadServiceDevice,
    ThreadWrap,
)
from services.threads.acting import LockedThread, ThreadWork
from services.threads.audit import AuditedCaller
from services.threads.audit_chain import AuditAction
from services.threads.devices import RESET, add_device, lock_devices
from services.threads.encoding import SERVICE_MEMBER, write_kid
from services.threads.items import SystemEvent
from services.threads.keysets import (
    FIRST_PREV,
    RETIRED_AT_ONCE,
    add_keyset,
    find_lacking,
    key_state_of,
    list_active_devices,
    load_keys,
    retirement_of,
    store_wraps,
)
from services.threads.sealed_secrets import seal_secret
from services.threads.service_device import ServiceDevice, device_context, load_service_device

log = get_logger(__name__)

_IS_OWN = ThreadDevice.member == SERVICE_MEMBER


@dataclass(frozen=True)
class ServedThread:
    """A locked thread as the service holds it, with its device."""

    locked: LockedThread
    device: ServiceDevice

    def tend(self, *, at_once: bool = False) -> bool:
        """Tell of a renewed device, make the key where it is missing, due, not the service's to open, or was sealed to
        the device before, and the wraps that are missing; whether anything was done. With `at_once` a new generation
        is made in any case, and no older one is taken from now on: somebody must not be able to open what comes."""
        renewed = self.note_renewal()
        row, now = self.locked.row, self.locked.unit.now
        is_ok = key_state_of(row, now) == KeyState.OK and row.key_generation not in renewed
        is_due = at_once or not is_ok or self.newest_secret() is None
        if is_due:
            self.rotate(at_once=at_once)
        return self.add_wraps() > 0 or is_due or bool(renewed)

    def newest_secret(self) -> bytes | None:
        """None where it has none, or what was sealed to it does not open."""
        row = self.locked.row
        newest = self.locked.unit.session.get(ThreadKeyset, (row.id, row.key_generation))
        return self._open(newest) if newest is not None else None

    def rotate(self, *, at_once: bool) -> None:
        """A new generation for all active devices. With `at_once` no older one is taken from now on."""
        unit, row = self.locked.unit, self.locked.row
        newest = unit.session.get(ThreadKeyset, (row.id, row.key_generation))
        devices = list_active_devices(unit.session, row.id)
        prev = newest.hash if newest is not None else FIRST_PREV
        new = self.device.make_keyset(row.id, write_kid(row.key_generation + 1), prev, devices, unit.now)
        add_keyset(self.locked, new, retires_at=RETIRED_AT_ONCE if at_once else retirement_of(unit))

    def add_wraps(self) -> int:
        """For devices that lack a generation that their member may read and the service can open; how many."""
        session, thread_id = self.locked.unit.session, self.locked.id
        keysets, held = load_keys(session, thread_id)
        lacking = find_lacking(session, thread_id, keysets, held)
        if not lacking:
            return 0
        kem_keys = {str(one.device_id): one.kem_key for one in list_active_devices(session, thread_id)}
        wraps = []
        for keyset in keysets:
            kid = write_kid(keyset.generation)
            device_ids = [one["deviceId"] for one in lacking if kid in one["kids"]]
            secret = self._open(keyset) if device_ids else None
            if secret is not None:
                wraps += [
                    (keyset.generation, one, seal_secret(secret, kem_keys[one], thread_id, kid, one))
                    for one in device_ids
                ]
        return store_wraps(self.locked, wraps)

    def note_renewal(self) -> set[int]:
        """Tell that this device came in the place of others, and drop what was sealed to them, which says that it was
        not told yet; of which generations that was."""
        ended = select(ThreadDevice.device_id).where(_IS_OWN, ThreadDevice.state == DeviceState.REVOKED)
        is_theirs = (ThreadWrap.thread_id == self.locked.id, ThreadWrap.device_id.in_(ended))
        dropped = delete(ThreadWrap).where(*is_theirs).returning(ThreadWrap.device_id, ThreadWrap.generation)
        rows = self.locked.unit.session.execute(dropped).all()
        for device_id in sorted({str(row.device_id) for row in rows}):
            self._tell_of(device_id, SystemEvent.DEVICE_REVOKED)
            self.locked.audit(AuditAction.DEVICE_REVOKE)
        if rows:
            self._tell_of(self.device.device_id, SystemEvent.DEVICE_ADDED)
            self.locked.audit(AuditAction.DEVICE_ADD, result=RESET)
        return {row.generation for row in rows}

    def _tell_of(self, device_id: str, event: SystemEvent) -> None:
        self.locked.tell(event, {"memberId": SERVICE_MEMBER, "deviceId": device_id})

    def _open(self, keyset: ThreadKeyset) -> bytes | None:
        """A wrap that does not open goes: members are asked for another one, which it would keep out."""
        session, kid = self.locked.unit.session, write_kid(keyset.generation)
        wrap = session.get(ThreadWrap, (keyset.thread_id, keyset.generation, UUID(self.device.device_id)))
        if wrap is None:
            return None
        secret = self.device.open_wrap(wrap.wrapped, keyset.secret_check, keyset.thread_id, kid)
        if secret is None:
            log.warning("thread_wrap_dropped", thread_id=keyset.thread_id, kid=kid)
            session.delete(wrap)
            session.flush()
        return secret


class ServiceMember:
    """Built once by each process."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def ensure_device(self, unit: ThreadWork) -> None:
        """Before the service becomes a member, and before any thread's row is locked; two at once make one."""
        if _has_device(unit.session):
            return
        own = replace(unit, caller=service_caller(unit.caller.request_id))
        lock_devices(own)
        if not _has_device(unit.session):
            self._make_device(own)

    def renew_device(self, own: ThreadWork) -> str:
        """Another one, whose id is returned, in the place of one that somebody may know, or that opens no more: its
        private keys are deleted. The unit is of `service_caller` and locks no thread: each is told, and gets another
        key, when it is tended."""
        lock_devices(own)
        is_used = (_IS_OWN, ThreadDevice.state != DeviceState.REVOKED)
        revoked = update(ThreadDevice).where(*is_used).values(state=DeviceState.REVOKED, revoked_at=own.now)
        own.session.execute(revoked)
        own.session.execute(delete(ThreadServiceDevice))
        device_id = self._make_device(own)
        own.work.send(Task.TEND_THREADS_OF_DEVICE, device_id, own.caller.request_id)
        return device_id

    def _make_device(self, own: ThreadWork) -> str:
        device = ServiceDevice.generate()
        add_device(own, device.claim(own.now), DeviceType.BROWSER, DeviceState.ACTIVE)
        sealed = self._sealer.seal(device.to_bytes(), device_context(device.device_id))
        own.session.add(ThreadServiceDevice(device_id=UUID(device.device_id), sealed_keys=sealed))
        own.session.flush()
        return device.device_id

    def can_make_keys(self, session: Session) -> bool:
        """Whether it has a device whose private keys open."""
        try:
            return load_service_device(session, self._sealer) is not None
        except SealError as exc:
            _log_unopened(exc)
            return False

    def enter(self, locked: LockedThread) -> ServedThread | None:
        """In its own name from here on; None where it is no member, and where its private keys do not open: people come
        and go all the same, and the key stays due until they open again or its device is renewed."""
        try:
            return self.enter_or_raise(locked)
        except SealError as exc:
            _log_unopened(exc)
            return None

    def enter_or_raise(self, locked: LockedThread) -> ServedThread | None:
        """The same for whoever comes back later. Raises SealError."""
        membership = find_service(locked)
        device = load_service_device(locked.unit.session, self._sealer) if membership is not None else None
        if membership is None or device is None:
            return None
        unit = replace(locked.unit, caller=service_caller(locked.unit.caller.request_id))
        return ServedThread(replace(locked, unit=unit, membership=membership), device)

    def tend(self, locked: LockedThread, *, at_once: bool = False) -> bool:
        """As `ServedThread.tend`. Where the service is no member, or its private keys do not open, nothing is done."""
        served = self.enter(locked)
        return served is not None and served.tend(at_once=at_once)


def _log_unopened(exc: SealError) -> None:
    log.error("thread_service_keys_unopened", error=type(exc).__name__)


def service_caller(request_id: str) -> AuditedCaller:
    """The service, of its own accord: from no network."""
    return AuditedCaller(SERVICE_MEMBER, None, request_id)


def find_service(locked: LockedThread) -> ThreadMember | None:
    """Its membership."""
    found = locked.unit.session.get(ThreadMember, (locked.id, SERVICE_MEMBER), populate_existing=True)
    return found if found is not None and found.removed_at is None else None


def _has_device(session: Session) -> bool:
    is_active = (_IS_OWN, ThreadDevice.state == DeviceState.ACTIVE)
    return session.scalar(select(ThreadDevice.device_id).where(*is_active).limit(1)) is not None
