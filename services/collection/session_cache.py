"""What may be known of a session: one table of fields, from which the status answers, the documents and the Redis hash
`tilko_session:{id}` are made.

The hash is a copy for others to look at. It opens nothing and we read nothing from it: after Redis came back with older
data, or PostgreSQL was restored, it may tell of another time than the run's row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.clock import Clock
from core.names import Status, Step, session_subject
from core.sealing import Sealer
from models.collection import CollectionRun
from streams import Projection


@dataclass(frozen=True)
class SessionView:
    """A session as of one revision of its run. Times are aware UTC; counts are None until known."""

    session_id: str
    revision: int
    event_seq: int
    status: str
    step: str
    token_hash: str
    token_renewed: bool
    masked_name: str
    hospital_id: str
    patient_uuid: str | None
    redirect_path: str | None
    auth_completed: bool
    approve_by: datetime | None
    health_count: int | None
    prescription_count: int | None
    health_failed: bool
    prescriptions_failed: bool
    saved: bool
    collection_started: datetime | None
    collection_end_time: datetime | None
    error_code: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime

    @property
    def completed(self) -> bool:
        return self.status == Status.COMPLETED

    @property
    def progress(self) -> dict[str, bool]:
        return {
            "auth_completed": self.auth_completed,
            "health_data_fetched": self.health_count is not None,
            "prescription_data_fetched": self.prescription_count is not None,
            "saved": self.saved,
            "completed": self.completed,
        }

    @property
    def counts(self) -> dict[str, int | None]:
        return {"health_data": self.health_count, "prescription_data": self.prescription_count}


def view_of(run: CollectionRun | Row[Any]) -> SessionView:
    """What may be known of a run."""
    return SessionView(
        session_id=str(run.session_id),
        revision=run.revision,
        event_seq=run.event_seq,
        status=run.status,
        step=run.step,
        token_hash=run.token_hash or "",
        token_renewed=run.token_renewed_at is not None,
        masked_name=run.masked_name,
        hospital_id=run.hospital_id,
        patient_uuid=str(run.patient_uuid) if run.patient_uuid else None,
        redirect_path=run.redirect_path,
        auth_completed=run.auth_completed_at is not None,
        approve_by=run.approve_by if run.step == Step.POLL_SIMPLE_AUTH else None,
        health_count=run.health_count,
        prescription_count=run.prescription_count,
        health_failed=run.health_failed,
        prescriptions_failed=run.prescriptions_failed,
        saved=run.saved_at is not None,
        collection_started=run.collection_started_at,
        collection_end_time=run.collection_ended_at,
        error_code=run.error_code,
        created_at=run.created_at,
        updated_at=run.updated_at,
        expires_at=run.expires_at,
    )


@dataclass(frozen=True)
class SessionField:
    """One thing that may be known of a session. `schema` is its JSON schema (draft 2020-12), None for what stays in the
    hash; `read` gives its plain value. `is_state`: part of the state that sockets, SSE and polls are told; the answer
    to a status question has more."""

    name: str
    read: Callable[[SessionView], Any]
    schema: Mapping[str, Any] | None = None
    is_state: bool = False
    is_personal: bool = False


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _stored(count: int | None, *, failed: bool) -> dict[str, Any]:
    """How many records, and where the payload lies: never in Redis."""
    return {"count": count, "failed": failed, "where": "files" if count is not None else None}


_TEXT: Mapping[str, Any] = {"type": "string"}
_TEXT_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"]}
_MOMENT: Mapping[str, Any] = {"type": "string", "format": "date-time"}
_MOMENT_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_FLAGS = ("auth_completed", "health_data_fetched", "prescription_data_fetched", "saved", "completed")
_COUNTS = ("health_data", "prescription_data")


def _object(names: tuple[str, ...], schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, schema), "required": list(names)}


FIELDS: tuple[SessionField, ...] = (
    SessionField("session_id", lambda view: view.session_id, _TEXT, is_state=True),
    SessionField(
        "status", lambda view: view.status, {"type": "string", "enum": [str(one) for one in Status]}, is_state=True
    ),
    SessionField("progress", lambda view: view.progress, _object(_FLAGS, {"type": "boolean"}), is_state=True),
    SessionField(
        "counts", lambda view: view.counts, _object(_COUNTS, {"type": ["integer", "null"], "minimum": 0}), is_state=True
    ),
    SessionField("patient_uuid", lambda view: view.patient_uuid, _TEXT_OR_NULL, is_state=True),
    SessionField("hospital_id", lambda view: view.hospital_id, _TEXT, is_state=True),
    SessionField("user_name", lambda view: view.masked_name, _TEXT, is_state=True, is_personal=True),
    SessionField("error_code", lambda view: view.error_code, _TEXT_OR_NULL, is_state=True),
    SessionField("approve_by", lambda view: _moment(view.approve_by), _MOMENT_OR_NULL, is_state=True),
    SessionField("updated_at", lambda view: _moment(view.updated_at), _MOMENT, is_state=True),
    SessionField("redirect_path", lambda view: view.redirect_path, _TEXT_OR_NULL),
    SessionField("expires_at", lambda view: _moment(view.expires_at), _MOMENT),
    SessionField("step", lambda view: view.step),
    SessionField("health_data", lambda view: _stored(view.health_count, failed=view.health_failed)),
    SessionField("prescription_data", lambda view: _stored(view.prescription_count, failed=view.prescriptions_failed)),
    SessionField("collection_started", lambda view: _moment(view.collection_started)),
    SessionField("collection_completed", lambda view: view.completed),
    SessionField("collection_end_time", lambda view: _moment(view.collection_end_time)),
    SessionField("created_at", lambda view: _moment(view.created_at)),
)
STATE_FIELDS = tuple(field for field in FIELDS if field.is_state)
STATUS_FIELDS = tuple(field for field in FIELDS if field.schema is not None)


def state_of(view: SessionView) -> dict[str, Any]:
    """The state that a reader is greeted with, as plain JSON values."""
    return {field.name: field.read(view) for field in STATE_FIELDS}


def status_of(view: SessionView) -> dict[str, Any]:
    """The same and more, for the answer to a status question."""
    return {field.name: field.read(view) for field in STATUS_FIELDS}


class SessionCache:
    """Makes a session's Redis hash. What is personal is sealed."""

    def __init__(self, sealer: Sealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def project(self, session: Session, subject: str) -> Projection | None:
        """The hash of a session's subject, from its row; None for an unknown session."""
        run = session.get(CollectionRun, UUID(subject.partition(":")[2]), populate_existing=True)
        return self.project_row(run) if run else None

    def project_row(self, run: CollectionRun) -> Projection:
        view = view_of(run)
        left = int((view.expires_at - self._clock.now()).total_seconds())
        fields = {field.name: self._encode(field, view) for field in FIELDS}
        # Sealed in the row already.
        auth = {"auth_data" if view.auth_completed else "temp_auth_data": run.auth.hex()} if run.auth else {}
        return Projection(session_subject(view.session_id), view.revision, fields | auth, max(left, 1))

    def _encode(self, field: SessionField, view: SessionView) -> str:
        value = field.read(view)
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return self._sealer.seal_text(text, f"{field.name}:{view.session_id}") if field.is_personal else text
