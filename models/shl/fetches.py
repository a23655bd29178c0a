"""What was given out for a SMART Health Link: locations that open once, and a list of who came."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.shl.links import OF_LINK
from models.table import CreatedAt, Moment, Table, one_of


class FetchKind(StrEnum):
    """What somebody came for: the manifest, a file by its location, the file itself; or a passcode that was wrong."""

    MANIFEST = "manifest"
    FILE = "file"
    DIRECT = "direct"
    WRONG_PASSCODE = "wrong_passcode"


class HealthLinkLocation(Table):
    """A location of one file, by the hash of its token; who takes it deletes it. It goes with the file."""

    __tablename__ = "welno_shl_locations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["link_id", "position"],
            ["welno.welno_shl_files.link_id", "welno.welno_shl_files.position"],
            ondelete="CASCADE",
        ),
        Index(None, "link_id", "position"),
        Index(None, "expires_at"),
    )

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    link_id: Mapped[str]
    position: Mapped[int]
    recipient: Mapped[str]
    expires_at: Mapped[Moment]


class HealthLinkFetch(Table):
    """Somebody who came. `recipient` is what they called themselves, `network` where they came from, shortened."""

    __tablename__ = "welno_shl_fetches"
    __table_args__ = (one_of("kind", FetchKind), Index(None, "link_id", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[str] = mapped_column(ForeignKey(OF_LINK, ondelete="CASCADE"))
    kind: Mapped[str]
    recipient: Mapped[str]
    network: Mapped[str | None]
    at: Mapped[CreatedAt]
