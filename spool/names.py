"""Names of files, strictly built and strictly read: nothing from outside ever becomes a path unchecked."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from spool.errors import UnknownFile

WHY_SUFFIX = ".why"
TEMPORARY_PREFIX = ".tmp-"
_STAMP = r"\d{8}T\d{12}Z"
_STAMP_FORMAT = "%Y%m%dT%H%M%S%fZ"
_SESSION = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TYPES = "patient_data|health_data|prescription_data"
_ANSWERS = "health_data|prescription_data|simple_auth|report"
_CANONICAL = re.compile(_SESSION, re.ASCII)
_FILE = re.compile(rf"({_STAMP})_({_SESSION})_(?:({_TYPES})\.(json)|({_ANSWERS})\.(raw))", re.ASCII)
_INCOMING = re.compile(rf"({_SESSION})_({_ANSWERS})\.raw", re.ASCII)


class DataType(StrEnum):
    """In the order of import: the patient's file first."""

    PATIENT = "patient_data"
    HEALTH = "health_data"
    PRESCRIPTION = "prescription_data"


class AnswerKind(StrEnum):
    """What a provider answered, and may have been paid for."""

    HEALTH = "health_data"
    PRESCRIPTION = "prescription_data"
    SIMPLE_AUTH = "simple_auth"
    REPORT = "report"


class Folder(StrEnum):
    INCOMING = "incoming"
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class FileName:
    """`extension` is `json` for a package, `raw` for a provider's answer that was parked."""

    stamp: str
    session_id: str
    data_type: DataType | AnswerKind
    extension: str = "json"

    def __str__(self) -> str:
        return f"{self.stamp}_{self.session_id}_{self.data_type}.{self.extension}"

    @property
    def created_at(self) -> datetime:
        return _read_stamp(self.stamp)


def parse_name(name: str) -> FileName:
    """Raises UnknownFile, also for a stamp that is no moment."""
    parsed = read_name(name)
    if parsed is None:
        raise UnknownFile("bad_name")
    return parsed


def read_name(name: str) -> FileName | None:
    """None for temporary files, reasons, and whatever somebody else put into the folder."""
    match = _FILE.fullmatch(name)
    if match is None or not is_stamp(match[1]):
        return None
    if match[4]:
        return FileName(match[1], match[2], DataType(match[3]), "json")
    return FileName(match[1], match[2], AnswerKind(match[5]), "raw")


def is_package_name(name: str) -> bool:
    return name.endswith(".json") and _FILE.fullmatch(name) is not None


def import_order(name: str) -> str:
    """Sorts package names: oldest session first, in it patient, health, prescription."""
    # As text, because a listing compares 100,000: an underscore sorts before the letters of the other two types.
    return name.replace("_patient_", "__")


def incoming_name(session_id: str, kind: AnswerKind) -> str:
    return f"{check_session(session_id)}_{AnswerKind(kind)}.raw"


def read_incoming_name(name: str) -> tuple[str, AnswerKind] | None:
    match = _INCOMING.fullmatch(name)
    return None if match is None else (match[1], AnswerKind(match[2]))


def check_session(session_id: str) -> str:
    """Only the canonical form, so that one session has one name. Raises UnknownFile."""
    if not isinstance(session_id, str) or _CANONICAL.fullmatch(session_id) is None:
        raise UnknownFile("bad_session_id")
    return session_id


def build_stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_STAMP_FORMAT)


def is_stamp(text: str) -> bool:
    try:
        return build_stamp(_read_stamp(text)) == text
    except ValueError:
        return False


def _read_stamp(text: str) -> datetime:
    # By hand: strptime is ten times slower, and listings read 100,000 of them.
    date, time = (int(text[0:4]), int(text[4:6]), int(text[6:8])), (int(text[9:11]), int(text[11:13]), int(text[13:15]))
    return datetime(*date, *time, int(text[15:21]), tzinfo=UTC)
