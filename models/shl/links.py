"""SMART Health Links of patients, and their files: ciphertext for which the server has no key."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table

OF_LINK = "welno.welno_shl.id"


class HealthLink(Table):
    """`id` stands in the link's address. `wrong_tries` only grows, but for tries that turned out right; a link whose
    tries are used up, that was revoked, or whose time is over is inactive."""

    __tablename__ = "welno_shl"
    __table_args__ = (Index(None, "patient_uuid"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID]
    label: Mapped[str | None]
    is_long_term: Mapped[bool]
    passcode_hash: Mapped[str | None]
    wrong_tries: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]


class HealthLinkFile(Table):
    """One compact JWE, as it came."""

    __tablename__ = "welno_shl_files"

    link_id: Mapped[str] = mapped_column(ForeignKey(OF_LINK, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content_type: Mapped[str]
    jwe: Mapped[str]
    updated_at: Mapped[Moment]
