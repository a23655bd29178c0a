"""The tags on the hospital's walls, and who scanned them."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, text, true
from sqlalchemy.orm import Mapped, mapped_column

from models.journey.people import OF_USER
from models.journey.places import OF_ROOM
from models.table import Moment, Table, one_of


class TagAction(StrEnum):
    """What a scan was."""

    SCAN = "scan"
    RESCAN = "rescan"
    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    QR = "qr"
    REPLAY = "replay"


class NfcTag(Table):
    """A tag: `tag_uid` is its chip's, `tag_code` what its address and printed code say. `sun_key`, sealed, is of one
    whose address is another at each scan; `sun_counter` is the highest count of its readings that was taken."""

    __tablename__ = "nfc_tags"

    tag_id: Mapped[str] = mapped_column(primary_key=True)
    tag_uid: Mapped[str] = mapped_column(unique=True)
    tag_code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    room_id: Mapped[str | None] = mapped_column(ForeignKey(OF_ROOM))
    floor: Mapped[int]
    x: Mapped[float]
    y: Mapped[float]
    exam_ids: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    is_active: Mapped[bool] = mapped_column(server_default=true())
    sun_key: Mapped[str | None]
    sun_counter: Mapped[int | None]


class RetiredTagCode(Table):
    """A code that was copied and replaced: whoever still comes with it is told so. Only its hash stands here."""

    __tablename__ = "retired_tag_codes"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    tag_id: Mapped[str] = mapped_column(ForeignKey("welno.nfc_tags.tag_id"))
    retired_at: Mapped[Moment] = mapped_column(server_default=func.now())


class TagLog(Table):
    """One scan. Of the tag's number only a hash stands here: what strangers send may be anything. `counter` is the
    reading of a dynamic tag that was taken."""

    __tablename__ = "tag_logs"
    __table_args__ = (
        one_of("action", TagAction),
        Index(None, "tag_id", "created_at"),
        Index(None, "user_id"),
        Index(None, "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tag_id: Mapped[str | None] = mapped_column(ForeignKey("welno.nfc_tags.tag_id"))
    tag_uid_hash: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(OF_USER, ondelete="SET NULL"))
    device_id: Mapped[str | None]
    action: Mapped[str]
    counter: Mapped[int | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
