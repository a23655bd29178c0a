"""Hospitals, the places a patient belongs to."""

from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table

DEFAULT_HOSPITAL = "PEERNINE"


class Hospital(Table):
    """A hospital that sends people here; `PEERNINE` stands for none in particular."""

    __tablename__ = "welno_hospitals"

    hospital_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[CreatedAt]
