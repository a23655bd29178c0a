"""How hashes, members and ids are written in the threads' formats: each value has exactly one spelling."""

import hashlib
import re
from uuid import UUID

from core.base64url import decode_bytes

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_KID = re.compile(r"k([1-9][0-9]{0,8})", re.ASCII)
_MEMBER = re.compile(
    r"patient:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|staff:([A-Za-z0-9._~-]|%[0-9A-F]{2}){1,120}|service:welno",
    re.ASCII,
)
THREAD_ID_BYTES = 16
MEMBER_MAX = 126
SERVICE_MEMBER = "service:welno"


def hash_bytes(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def is_uuid(text: object) -> bool:
    """In lower case."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def is_member(text: object) -> bool:
    """`patient:{uuid}`, `staff:{id, percent-encoded}` or the back end itself."""
    return isinstance(text, str) and len(text) <= MEMBER_MAX and _MEMBER.fullmatch(text) is not None


def patient_member(patient_uuid: UUID) -> str:
    return f"patient:{patient_uuid}"


def staff_member(account_id: UUID) -> str:
    return f"staff:{account_id}"


def is_thread_id(text: object) -> bool:
    return decode_bytes(text, THREAD_ID_BYTES) is not None


def write_kid(generation: int) -> str:
    return f"k{generation}"


def read_kid(text: object) -> int | None:
    """The generation; None for what names none."""
    found = _KID.fullmatch(text) if isinstance(text, str) else None
    return int(found[1]) if found else None
