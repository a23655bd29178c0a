"""The back end as a member of threads: its own device's private keys, and what patients asked it to send."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table
from models.threads.threads import OF_THREAD


class ThreadServiceDevice(Table):
    """The private keys of a device of `service:welno`, sealed: X25519, then Ed25519, 32 bytes each."""

    __tablename__ = "welno_thread_service_devices"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("welno.welno_thread_devices.device_id", ondelete="CASCADE"), primary_key=True
    )
    sealed_keys: Mapped[bytes]
    created_at: Mapped[CreatedAt]


class RecordSending(Table):
    """One wish of a patient to have their stored records put into a thread; `what` are the kinds.

    Until `ended_at` the sweep has it sent again after `resend_at`. `result` is `ok`, or the code of what ended it.
    `asked_as` are the ids under which the patient's client asked for it, `request_id` is that of our log.
    """

    __tablename__ = "welno_thread_record_sendings"
    __table_args__ = (
        Index(None, "thread_id"),
        Index(None, "patient_uuid"),
        Index("ix_welno_thread_record_sendings_due", "resend_at", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD))
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    what: Mapped[list[Any]]
    asked_as: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    request_id: Mapped[str]
    requested_at: Mapped[Moment]
    resend_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    result: Mapped[str | None]
