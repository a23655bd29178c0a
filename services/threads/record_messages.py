"""A patient's stored records as messages of a thread: the JSON of each, in parts where it is larger than an envelope.

The content types are `application/vnd.welno.record+json` (one record), `application/vnd.welno.record-part+json` (a part
of one, in base64url) and `application/vnd.welno.records+json` (how many there were, at the end). docs/threads.md has
their fields. Ids of messages are derived from what they hold, so a repeated task makes the same ones.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

import orjson
from sqlalchemy.orm import Session, sessionmaker

from core.base64url import encode_bytes
from core.moments import write_moment
from models.patients import Checkup, MediarcReport, Prescription
from services.patients.records import Cursor, RecordPage, list_checkups, list_prescriptions, newest_report
from services.threads.envelopes import TAG_BYTES
from services.threads.service_device import ServiceMessage
from upstream.tilko.measurements import Measurements

RECORD_TYPE = "application/vnd.welno.record+json"
PART_TYPE = "application/vnd.welno.record-part+json"
SUMMARY_TYPE = "application/vnd.welno.records+json"
_VERSION = 1
_PAGE = 50
# Of a part's fields beside its data.
_PART_HEAD_BYTES = 512


class SentKind(StrEnum):
    """What a patient may ask for."""

    CHECKUPS = "checkups"
    PRESCRIPTIONS = "prescriptions"
    REPORT = "report"


# What a person sees of a record of theirs. Named one by one: a column that is added to a table later, as one for a raw
# answer, a provider's id or our own keys, leaves for a thread only when somebody writes it down here.
_SHOWN: Mapping[SentKind, Sequence[str]] = {
    SentKind.CHECKUPS: (
        *("year", "checkup_date", "location", "code", "description"),
        *(measured.name for measured in fields(Measurements)),
        "items",
    ),
    SentKind.PRESCRIPTIONS: (
        *("hospital_name", "address", "treatment_date", "treatment_type"),
        *("visit_count", "medication_count", "prescription_count"),
        "details",
    ),
    SentKind.REPORT: (
        *("report_url", "analyzed_at", "checkup_date", "bodyage", "rank"),
        *("disease_data", "cancer_data"),
    ),
}


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One record as it is sent. `version` is another one when its content is."""

    kind: SentKind
    id: str
    version: str
    content: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> bytes:
        told = {"v": _VERSION, "kind": self.kind, "id": self.id, "updatedAt": self.version, "record": self.content}
        return orjson.dumps(told, default=float)

    def messages(self, sending_id: UUID, payload_max_bytes: int) -> list[ServiceMessage]:
        """Which belong together: all of them, or none."""
        whole, name = self.to_json(), f"{self.kind}/{self.id}/{self.version}"
        longest = payload_max_bytes - TAG_BYTES
        if len(whole) <= longest:
            return [ServiceMessage(uuid5(sending_id, name), RECORD_TYPE, whole)]
        pieces = _split(whole, (longest - _PART_HEAD_BYTES) * 3 // 4)
        head = {
            "v": _VERSION,
            "documentId": str(uuid5(sending_id, f"{name}/whole")),
            "contentType": RECORD_TYPE,
            "size": len(whole),
            "sha256": hashlib.sha256(whole).hexdigest(),
            "parts": len(pieces),
        }
        return [
            ServiceMessage(
                uuid5(sending_id, f"{name}/{number}"),
                PART_TYPE,
                orjson.dumps(head | {"part": number, "data": encode_bytes(piece)}),
            )
            for number, piece in enumerate(pieces, start=1)
        ]


def summarize(sending_id: UUID, counts: Mapping[str, int]) -> ServiceMessage:
    """The last message of a sending: also of one that found nothing."""
    told = {"v": _VERSION, "sendingId": str(sending_id), "counts": {str(kind): count for kind, count in counts.items()}}
    return ServiceMessage(uuid5(sending_id, "summary"), SUMMARY_TYPE, orjson.dumps(told))


def read_records(sessions: sessionmaker[Session], patient_uuid: UUID, kind: SentKind) -> Iterator[SentRecord]:
    """Those that the records' page shows, newest first; of each page in a transaction of its own."""
    after: Cursor | None = None
    while True:
        with sessions() as session:
            page = _read_page(session, patient_uuid, kind, after)
            found = [_record_of(kind, one) for one in page.items]
        yield from found
        after = page.next_cursor
        if after is None:
            return


def _read_page(session: Session, patient_uuid: UUID, kind: SentKind, after: Cursor | None) -> RecordPage[Any]:
    if kind is SentKind.CHECKUPS:
        return list_checkups(session, patient_uuid, limit=_PAGE, after=after)
    if kind is SentKind.PRESCRIPTIONS:
        return list_prescriptions(session, patient_uuid, limit=_PAGE, after=after)
    report = newest_report(session, patient_uuid)
    return RecordPage([report] if report is not None else [], None)


def _record_of(kind: SentKind, row: Checkup | Prescription | MediarcReport) -> SentRecord:
    shown = {name: getattr(row, name) for name in _SHOWN[kind]}
    return SentRecord(kind, str(row.id), write_moment(row.updated_at), shown)


def _split(data: bytes, size: int) -> Sequence[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
