"""A package of one session's records: what it holds, its checksum, and its form on disk.

On disk: a magic, the length of what follows, then the sealed JSON document. The length tells a torn file from a
changed one. The checksum covers `raw_data` and the fields of the metadata that never change.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from core.sealing import HEADER_BYTES, Sealer, SealError, UnknownSealingKey, key_id_of
from spool.errors import DamagedFile, SealedWithUnknownKey, UnfitPackage
from spool.names import AnswerKind, DataType, FileName

_MAGIC = b"WF1\n"
_HEADER_BYTES = 12
BEGINNING_BYTES = _HEADER_BYTES + HEADER_BYTES
_FIXED = ("session_id", "data_type", "patient_uuid", "hospital_id", "created_at", "file_version")
# Since version 2: of an answer, when it came and the days that it is about.
_OF_ANSWER = ("answered_at", "window_first", "window_last")


@dataclass(frozen=True)
class Metadata:
    """`answered_at` and the window are of a provider's answer. `status` and the three fields after it change while the
    file lives: they come from the folder and the reasons file."""

    session_id: str
    data_type: DataType
    patient_uuid: str
    hospital_id: str
    created_at: datetime
    file_version: int = 2
    answered_at: datetime | None = None
    window_first: date | None = None
    window_last: date | None = None
    status: str = "pending"
    retry_count: int = 0
    last_error: str | None = None
    next_retry_at: datetime | None = None


@dataclass(frozen=True)
class Package:
    metadata: Metadata
    raw_data: Any

    def __repr__(self) -> str:
        return f"Package({self.metadata.session_id}, {self.metadata.data_type})"


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8. Raises UnfitPackage."""
    try:
        # Dataclasses are refused: their keys would not be sorted, and the checksum would not hold when read.
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)
    except (TypeError, ValueError) as exc:
        raise UnfitPackage("not_json") from exc


def is_writable(raw_data: Any) -> bool:
    """Whether a package can hold it: more can be read than can be written, such as what nests 255 deep."""
    try:
        canonical(raw_data)
    except UnfitPackage:
        return False
    return True


def build_document(package: Package) -> bytes:
    """The JSON document with its checksum, as an operator sees it."""
    metadata, raw = package.metadata, canonical(package.raw_data)
    shown = {name: value for name, value in vars(metadata).items() if value is not None}
    return orjson.dumps(
        # The raw data can be tens of MiB: serialised once, used for the checksum and for the document.
        {"checksum": _checksum(vars(metadata), raw), "metadata": shown, "raw_data": orjson.Fragment(raw)},
        option=orjson.OPT_SORT_KEYS,
    )


def seal_package(sealer: Sealer, package: Package) -> bytes:
    metadata = package.metadata
    return seal_bytes(sealer, build_document(package), metadata.session_id, metadata.data_type)


def open_package(sealer: Sealer, name: FileName, stored: bytes) -> Package:
    """Raises DamagedFile, SealedWithUnknownKey."""
    plain = open_bytes(sealer, stored, name.session_id, name.data_type)
    try:
        document = orjson.loads(plain)
        fields, raw_data, checksum = document["metadata"], document["raw_data"], document["checksum"]
        metadata = _read_metadata(fields)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
        raise DamagedFile("json") from exc
    if checksum != _checksum(fields, canonical(raw_data)):
        raise DamagedFile("checksum")
    if (metadata.session_id, metadata.data_type) != (name.session_id, name.data_type):
        raise DamagedFile("name")
    return Package(metadata, raw_data)


def seal_bytes(sealer: Sealer, plain: bytes, session_id: str, kind: DataType | AnswerKind) -> bytes:
    sealed = sealer.seal(plain, _context(session_id, kind))
    return _MAGIC + len(sealed).to_bytes(8, "big") + sealed


def open_bytes(sealer: Sealer, stored: bytes, session_id: str, kind: DataType | AnswerKind) -> bytes:
    """Raises SealedWithUnknownKey, DamagedFile: `truncated` if bytes are missing, `sealed` for every other change."""
    if len(stored) < _HEADER_BYTES:
        raise DamagedFile("truncated")
    expected = int.from_bytes(stored[4:_HEADER_BYTES], "big")
    if not stored.startswith(_MAGIC) or len(stored) - _HEADER_BYTES > expected:
        raise DamagedFile("sealed")
    if len(stored) - _HEADER_BYTES < expected:
        raise DamagedFile("truncated")
    try:
        return sealer.open(stored[_HEADER_BYTES:], _context(session_id, kind))
    except UnknownSealingKey as exc:
        raise SealedWithUnknownKey from exc
    except SealError as exc:
        raise DamagedFile("sealed") from exc


def sealing_key_of(beginning: bytes) -> str | None:
    """The id of the key that sealed a file, from its first `BEGINNING_BYTES`. None when the spool did not write it."""
    return key_id_of(beginning[_HEADER_BYTES:]) if beginning.startswith(_MAGIC) else None


def _context(session_id: str, kind: DataType | AnswerKind) -> str:
    # A file that is renamed to another session or type does not open.
    return f"spool/{session_id}/{kind}"


def _checksum(fields: dict[str, Any], raw: bytes) -> str:
    names = _FIXED if fields.get("file_version") == 1 else _FIXED + _OF_ANSWER
    fixed = canonical({name: fields.get(name) for name in names})
    return hashlib.sha256(b'{"metadata":' + fixed + b',"raw_data":' + raw + b"}").hexdigest()


def _read_metadata(fields: dict[str, Any]) -> Metadata:
    moment = datetime.fromisoformat(fields["created_at"])
    fixed = {name: fields[name] for name in _FIXED}
    answered_at, first, last = (fields.get(name) for name in _OF_ANSWER)
    return Metadata(
        **{**fixed, "data_type": DataType(fields["data_type"]), "created_at": moment},
        answered_at=datetime.fromisoformat(answered_at) if answered_at else None,
        window_first=date.fromisoformat(first) if first else None,
        window_last=date.fromisoformat(last) if last else None,
    )
