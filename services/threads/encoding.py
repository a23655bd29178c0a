"""How bytes, moments and ids are written in the threads' formats: each value has exactly one spelling."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from uuid import UUID

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_KID = re.compile(r"k([1-9][0-9]{0,8})", re.ASCII)
_MEMBER = re.compile(
    r"patient:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|staff:([A-Za-z0-9._~-]|%[0-9A-F]{2}){1,120}|service:welno",
    re.ASCII,
)
THREAD_ID_BYTES = 16
MEMBER_MAX = 126
SERVICE_MEMBER = "service:welno"


def encode_bytes(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_bytes(text: object, length: int | None = None) -> bytes | None:
    """None for what `encode_bytes` does not write: other letters, padding, unused bits that are not 0, another length.

    Otherwise two texts would stand for the same bytes, and a signed text could be told in two ways.
    """
    if not isinstance(text, str) or len(text) % 4 == 1 or not _ALPHABET.fullmatch(text):
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if (length is None or len(data) == length) and encode_bytes(data) == text else None


def hash_bytes(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def write_moment(at: datetime) -> str:
    """UTC, to the millisecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def is_moment(text: object) -> bool:
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_uuid(text: object) -> bool:
    """In lower case."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def is_member(text: object) -> bool:
    """`patient:{uuid}`, `staff:{id, percent-encoded}` or the back end itself."""
    return isinstance(text, str) and len(text) <= MEMBER_MAX and _MEMBER.fullmatch(text) is not None


def patient_member(patient_uuid: UUID) -> str:
    return f"patient:{patient_uuid}"


def is_thread_id(text: object) -> bool:
    return decode_bytes(text, THREAD_ID_BYTES) is not None


def write_kid(generation: int) -> str:
    return f"k{generation}"


def read_kid(text: object) -> int | None:
    """The generation; None for what names none."""
    found = _KID.fullmatch(text) if isinstance(text, str) else None
    return int(found[1]) if found else None
