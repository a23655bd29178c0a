"""Agreements to the terms: the owner's short form of `welno_consents`."""

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class TermsAgreement(Table):
    """That a person gave all that a collection needs, when, and until when; one per session. Written from the consents
    alone, and ended with the first of them that is withdrawn."""

    __tablename__ = "tb_wello_terms_agreement"
    __table_args__ = (UniqueConstraint("patient_uuid", "session_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"))
    session_id: Mapped[UUID]
    oid: Mapped[str | None]
    terms_agreed_at: Mapped[Moment]
    terms_expires_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
