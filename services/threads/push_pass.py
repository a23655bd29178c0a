"""The push pass of a device: it pushes the device's envelopes after the login of its holder is over, and reads nothing.

It ends with the device, with the account of its member, when an operator ends their logins, and by time. Only a hash
of it is kept.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.tokens import hash_token
from models.accounts import Account
from models.patients import Patient
from models.threads import DeviceState, DeviceType, ThreadDevice
from services.threads.acting import ThreadWork

# Tells it from every other bearer token.
_PREFIX = "push_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class PassHolder:
    """In whose name it pushes, and from which device alone."""

    member: str
    device_id: str


def grant_pass(unit: ThreadWork, device: ThreadDevice) -> str | None:
    """A new one, in the place of the one before; None for a device that is not active, and for a recovery code: the
    browser that registers it has one of its own, which must not be replaced."""
    if device.state != DeviceState.ACTIVE or device.type != DeviceType.BROWSER:
        return None
    token = f"{_PREFIX}{secrets.token_urlsafe(_BYTES)}"
    device.pass_hash = hash_token(token)
    device.pass_until = unit.now + timedelta(days=unit.settings.push_pass_days)
    return token


def end_passes(session: Session, members: Collection[str]) -> None:
    """Of all devices of these members. A device gets another one with the next login."""
    session.execute(
        update(ThreadDevice)
        .where(ThreadDevice.member.in_(members), ThreadDevice.pass_hash.is_not(None))
        .values(pass_hash=None, pass_until=None)
        .execution_options(synchronize_session=False)
    )


def find_holder(session: Session, token: str, now: datetime) -> PassHolder | None:
    """None for what opens nothing, or no longer."""
    if not token.startswith(_PREFIX):
        return None
    holds = (ThreadDevice.pass_until > now, ThreadDevice.state == DeviceState.ACTIVE)
    device = session.scalar(select(ThreadDevice).where(ThreadDevice.pass_hash == hash_token(token), *holds))
    if device is None or not _is_member_open(session, device.member):
        return None
    return PassHolder(device.member, str(device.device_id))


def _is_member_open(session: Session, member: str) -> bool:
    kind, _, name = member.partition(":")
    if kind == "patient":
        patient = session.get(Patient, UUID(name))
        return patient is not None and patient.erasing_since is None
    account = session.get(Account, UUID(name))
    return account is not None and account.is_active
