"""What the threads export of a patient: where they take part, their devices, what they put up, when they had records
sent. What was written is theirs to open."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.threads import RecordSending, ThreadBlob, ThreadDevice, ThreadMember
from services.patients.exports import Exporter, Rows
from services.threads.encoding import patient_member

_OF_MEMBER: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "thread_memberships": (ThreadMember, ("thread_id", "role", "acked_seq", "created_at", "removed_at")),
    "thread_blobs": (ThreadBlob, ("thread_id", "blob_id", "size_bytes", "created_at", "completed_at")),
    "thread_devices": (ThreadDevice, ("device_id", "kem_key", "sign_key", "state", "registered_at", "revoked_at")),
}


def _read(session: Session, patient_uuid: UUID) -> Mapping[str, Rows]:
    found: dict[str, Rows] = {}
    for name, (model, columns) in _OF_MEMBER.items():
        query = select(*(model.__table__.c[column] for column in columns))
        theirs = query.where(model.member == patient_member(patient_uuid))
        found[name] = [dict(row) for row in session.execute(theirs).mappings()]
    shown = (RecordSending.thread_id, RecordSending.what, RecordSending.requested_at, RecordSending.result)
    sent = select(*shown).where(RecordSending.patient_uuid == patient_uuid)
    found["thread_record_sendings"] = [dict(row) for row in session.execute(sent).mappings()]
    return found


_TABLES = frozenset(model.__tablename__ for model in (RecordSending, *(model for model, _ in _OF_MEMBER.values())))
THREADS_EXPORTER = Exporter(_TABLES, _read)
