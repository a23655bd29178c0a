"""SMART Health Links of patients, and their files: ciphertext for which the server has no key."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table

OF_LINK = "welno.welno_shl.id"


class HealthLink(Table):
    """`id` stands in the link's address. A link that was locked or revoked, or whose time is over, is inactive.

    `wrong_tries` counts tries of the passcode from their beginning, but for those that turned out right: whether it is
    final says `locked_at` alone. `tries_under_way` are being compared; `tried_at` is when the last one began.
    """

    __tablename__ = "welno_shl"
    __table_args__ = (Index(None, "patient_uuid"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    patient_uuid: Mapped[UUID]
    label: Mapped[str | None]
    is_long_term: Mapped[bool]
    passcode_hash: Mapped[str | None]
    wrong_tries: Mapped[int] = mapped_column(server_default=text("0"))
    tries_under_way: Mapped[int] = mapped_column(server_default=text("0"))
    tried_at: Mapped[Moment | None]
    locked_at: Mapped[Moment | None]
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
