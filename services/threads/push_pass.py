"""The push pass of a device: it pushes the device's envelopes after the login of its holder is over, and reads nothing.

It ends with the device, with the account of its member, when an operator ends their logins, and by time. Only a hash
of it is kept. A new one ends none of the few before it: the answer that brings it may be lost, or overtaken by that of
another tab, and then the browser has one of those.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.tokens import hash_token
from models.accounts import Account
from models.patients import Patient
from models.threads import DeviceState, DeviceType, ThreadDevice
from services.threads.acting import ThreadWork

# Tells it from every other bearer token.
_PREFIX = "push_"
_BYTES = 32
# Each page that is opened asks for one, several at once where a browser restores its tabs.
_EARLIER_MAX = 4


@dataclass(frozen=True, slots=True)
class PassHolder:
    """In whose name it pushes, and from which device alone."""

    member: str
    device_id: str


def grant_pass(unit: ThreadWork, device: ThreadDevice) -> str | None:
    """A new one, beside the newest of those before it that have not ended; None for a device that is not active, and
    for a recovery code: the browser that registers it has one of its own, which must not be replaced."""
    # Read under its lock: what somebody ends at this moment would else be written once more, beside the new one.
    unit.session.refresh(device, with_for_update={"key_share": True})
    if device.state != DeviceState.ACTIVE or device.type != DeviceType.BROWSER:
        return None
    token = f"{_PREFIX}{secrets.token_urlsafe(_BYTES)}"
    newest, held = hash_token(token), _held_passes(device)
    earlier = [(one, until.isoformat()) for one, until in held.items() if until > unit.now][:_EARLIER_MAX]
    device.earlier_passes = [{"hash": one, "until": until, "beside": newest} for one, until in earlier]
    device.pass_hash = newest
    device.pass_until = unit.now + timedelta(days=unit.settings.push_pass_days)
    return token


def no_pass() -> dict[str, Any]:
    """The columns of a device that has none."""
    return {"pass_hash": None, "pass_until": None, "earlier_passes": []}


def drop_passes(device: ThreadDevice) -> None:
    """Of a device that ends."""
    for column, value in no_pass().items():
        setattr(device, column, value)


def _held_passes(device: ThreadDevice) -> dict[str, datetime]:
    """Until when each holds, by its hash, newest first. A version without `earlier_passes` ends or replaces the newest
    alone: what was written beside another one has ended with it."""
    if device.pass_hash is None or device.pass_until is None:
        return {}
    beside = [one for one in device.earlier_passes if one["beside"] == device.pass_hash]
    return {device.pass_hash: device.pass_until} | {one["hash"]: datetime.fromisoformat(one["until"]) for one in beside}


def end_passes(session: Session, members: Collection[str]) -> None:
    """Of all devices of these members. A device gets another one with the next login."""
    session.execute(
        update(ThreadDevice)
        .where(ThreadDevice.member.in_(members), ThreadDevice.pass_hash.is_not(None))
        .values(**no_pass())
        .execution_options(synchronize_session=False)
    )


def find_holder(session: Session, token: str, now: datetime) -> PassHolder | None:
    """None for what opens nothing, or no longer."""
    if not token.startswith(_PREFIX):
        return None
    hashed = hash_token(token)
    has_it = or_(ThreadDevice.pass_hash == hashed, ThreadDevice.earlier_passes.contains([{"hash": hashed}]))
    device = session.scalar(select(ThreadDevice).where(has_it, ThreadDevice.state == DeviceState.ACTIVE))
    if device is None or _held_passes(device).get(hashed, now) <= now or not _is_member_open(session, device.member):
        return None
    return PassHolder(device.member, str(device.device_id))


def _is_member_open(session: Session, member: str) -> bool:
    kind, _, name = member.partition(":")
    if kind == "patient":
        patient = session.get(Patient, UUID(name))
        return patient is not None and patient.erasing_since is None
    account = session.get(Account, UUID(name))
    return account is not None and account.is_active
