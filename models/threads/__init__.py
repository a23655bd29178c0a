"""Encrypted threads: their items, members, devices, keys and larger things as they are stored, and their audit."""

from models.threads.audit import ThreadAudit
from models.threads.blobs import ThreadBlob
from models.threads.devices import DeviceState, DeviceType, ThreadDevice
from models.threads.items import ThreadClient, ThreadItem
from models.threads.keys import ThreadKeyset, ThreadWrap
from models.threads.service import RecordSending, ThreadServiceDevice
from models.threads.threads import KeyState, MemberRole, Thread, ThreadMember

__all__ = [
    "DeviceState",
    "DeviceType",
    "KeyState",
    "MemberRole",
    "RecordSending",
    "Thread",
    "ThreadAudit",
    "ThreadBlob",
    "ThreadClient",
    "ThreadDevice",
    "ThreadItem",
    "ThreadKeyset",
    "ThreadMember",
    "ThreadServiceDevice",
    "ThreadWrap",
]
