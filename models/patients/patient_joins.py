"""Two patients that are one person: by the password of the older one, until it is undone."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table


class PatientJoin(Table):
    """The newer patient is shown the older one's records with its own; no record changes. Undone, the row is gone."""

    __tablename__ = "welno_patient_joins"
    __table_args__ = (CheckConstraint("newer_uuid <> older_uuid", name="two"),)

    newer_uuid: Mapped[UUID] = mapped_column(
        ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"), primary_key=True
    )
    older_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"), unique=True)
    joined_at: Mapped[CreatedAt]
