"""The Redis copy of a session: its one typed definition, written whole from the run's row and read back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import Clock
from core.names import Status, session_subject
from core.sealing import Sealer
from models.collection import CollectionRun
from streams import Projection


class Admission(Protocol):
    """What decides who may use a session, and for how long."""

    @property
    def session_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def token_hash(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...


@dataclass(frozen=True)
class SessionGlance:
    """An admission without the rest: a tenth of the cost of a whole view, for who looks every minute."""

    session_id: str
    status: str
    token_hash: str
    created_at: datetime
    expires_at: datetime

    FIELDS: ClassVar = ("session_id", "status", "token_hash", "created_at", "expires_at")

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> Self:
        """Of the hash's fields in the order of FIELDS. Raises ValueError when one is missing or wrong."""
        session_id, status, token_hash, *moments = [(value or b"").decode() for value in values]
        return cls(session_id, status, token_hash, *map(datetime.fromisoformat, moments))


@dataclass(frozen=True)
class SessionView:
    """The one typed definition of a session's Redis hash. Times are aware UTC; counts are None until known."""

    session_id: str
    revision: int
    status: str
    step: str
    token_hash: str
    masked_name: str
    hospital_id: str
    patient_uuid: str | None
    redirect_path: str | None
    auth_completed: bool
    health_count: int | None
    prescription_count: int | None
    health_failed: bool
    prescriptions_failed: bool
    saved: bool
    collection_started: datetime | None
    collection_end_time: datetime | None
    error_code: str | None
    error_detail: dict[str, Any] | None
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


def view_of(run: CollectionRun) -> SessionView:
    """What a browser may know of a run."""
    return SessionView(
        session_id=str(run.session_id),
        revision=run.revision,
        status=run.status,
        step=run.step,
        token_hash=run.token_hash or "",
        masked_name=run.masked_name,
        hospital_id=run.hospital_id,
        patient_uuid=str(run.patient_uuid) if run.patient_uuid else None,
        redirect_path=run.redirect_path,
        auth_completed=run.auth_completed_at is not None,
        health_count=run.health_count,
        prescription_count=run.prescription_count,
        health_failed=run.health_failed,
        prescriptions_failed=run.prescriptions_failed,
        saved=run.saved_at is not None,
        collection_started=run.collection_started_at,
        collection_end_time=run.collection_ended_at,
        error_code=run.error_code,
        error_detail=run.error_detail,
        created_at=run.created_at,
        updated_at=run.updated_at,
        expires_at=run.expires_at,
    )


class SessionHash:
    """Writes a view into the fields of its Redis hash and reads it back. Personal fields and tokens are sealed."""

    def __init__(self, sealer: Sealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def projection(self, session: Session, subject: str) -> Projection | None:
        """The hash of a session's subject, from its row; None for other subjects and unknown sessions."""
        prefix = session_subject("")
        run = session.get(CollectionRun, UUID(subject[len(prefix) :])) if subject.startswith(prefix) else None
        return self.projection_of(run) if run else None

    def projection_of(self, run: CollectionRun) -> Projection:
        view = view_of(run)
        left = int((view.expires_at - self._clock.now()).total_seconds())
        return Projection(session_subject(view.session_id), view.revision, self._fields(view, run.auth), max(left, 1))

    def _fields(self, view: SessionView, auth: bytes | None) -> dict[str, str]:
        approved = "auth_data" if view.auth_completed else "temp_auth_data"
        fields = {
            "session_id": view.session_id,
            "status": view.status,
            "step": view.step,
            "token_hash": view.token_hash,
            "user_name": self._sealer.seal_text(view.masked_name, f"user_name:{view.session_id}"),
            "hospital_id": view.hospital_id,
            "patient_uuid": view.patient_uuid or "",
            "redirect_path": view.redirect_path or "",
            "auth_completed": _flag(view.auth_completed),
            "health_data": _stored(view.health_count, view.health_failed),
            "prescription_data": _stored(view.prescription_count, view.prescriptions_failed),
            "saved": _flag(view.saved),
            "collection_started": _moment(view.collection_started),
            "collection_completed": _flag(view.completed),
            "collection_end_time": _moment(view.collection_end_time),
            "error": json.dumps({"code": view.error_code, "detail": view.error_detail}),
            "created_at": _moment(view.created_at),
            "updated_at": _moment(view.updated_at),
            "expires_at": _moment(view.expires_at),
        }
        # Sealed already, in the row; the hash carries it on as it is.
        return fields | ({approved: auth.hex()} if auth else {})

    def view(self, fields: dict[str, str]) -> SessionView:
        """Raises KeyError, ValueError or SealError when the hash is not whole; the reader then asks PostgreSQL."""
        session_id = fields["session_id"]
        health, prescriptions = json.loads(fields["health_data"]), json.loads(fields["prescription_data"])
        error = json.loads(fields["error"])
        return SessionView(
            session_id=session_id,
            revision=int(fields["revision"]),
            status=fields["status"],
            step=fields["step"],
            token_hash=fields["token_hash"],
            masked_name=self._sealer.open_text(fields["user_name"], f"user_name:{session_id}"),
            hospital_id=fields["hospital_id"],
            patient_uuid=fields["patient_uuid"] or None,
            redirect_path=fields["redirect_path"] or None,
            auth_completed=fields["auth_completed"] == "1",
            health_count=health["count"],
            prescription_count=prescriptions["count"],
            health_failed=health["failed"],
            prescriptions_failed=prescriptions["failed"],
            saved=fields["saved"] == "1",
            collection_started=_read_moment(fields["collection_started"]),
            collection_end_time=_read_moment(fields["collection_end_time"]),
            error_code=error["code"],
            error_detail=error["detail"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            updated_at=datetime.fromisoformat(fields["updated_at"]),
            expires_at=datetime.fromisoformat(fields["expires_at"]),
        )


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _moment(value: datetime | None) -> str:
    return value.isoformat() if value else ""


def _read_moment(value: str) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _stored(count: int | None, failed: bool) -> str:
    """How many records, and where the payload lies: never in Redis."""
    return json.dumps({"count": count, "failed": failed, "where": "files" if count is not None else None})
