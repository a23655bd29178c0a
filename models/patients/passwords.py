"""Patients' six-digit passwords, as Argon2 hashes, and their lock."""

from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class PatientPassword(Table):
    """The hash, how many wrong tries in a row, until when it is locked, and how many locks in a row there were."""

    __tablename__ = "welno_patient_passwords"

    patient_uuid: Mapped[UUID] = mapped_column(
        ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"), primary_key=True
    )
    password_hash: Mapped[str]
    wrong_tries: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[Moment | None]
    locks: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
