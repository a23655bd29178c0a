"""The devices of members: public keys alone, as each device signed them."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table, one_of


class DeviceState(StrEnum):
    """A pending one gets no wraps, and nothing of it is taken."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"


class DeviceType(StrEnum):
    """A recovery code is a device whose keys are derived from what its member keeps on paper."""

    BROWSER = "browser"
    RECOVERY = "recovery"


class ThreadDevice(Table):
    """`signed_at` is the moment as the device wrote and signed it, `approval_at` the same of whoever approved it.

    Of push passes only hashes stand here: `pass_hash` of the newest, and in `earlier_passes` those before it, newest
    first, each as `{"hash", "until", "beside"}`; `beside` is the `pass_hash` with which it was written.
    """

    __tablename__ = "welno_thread_devices"
    __table_args__ = (
        one_of("state", DeviceState),
        one_of("type", DeviceType),
        Index(None, "member"),
        Index("ix_welno_thread_devices_pass", "pass_hash", unique=True, postgresql_where=text("pass_hash is not null")),
        Index(
            "ix_welno_thread_devices_earlier_passes",
            "earlier_passes",
            postgresql_using="gin",
            postgresql_ops={"earlier_passes": "jsonb_path_ops"},
        ),
    )

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    member: Mapped[str]
    type: Mapped[str] = mapped_column(server_default=text("'browser'"))
    kem_key: Mapped[str]
    sign_key: Mapped[str]
    signed_at: Mapped[str]
    sig: Mapped[str]
    state: Mapped[str]
    approved_by: Mapped[UUID | None]
    approval_at: Mapped[str | None]
    approval_sig: Mapped[str | None]
    pass_hash: Mapped[str | None]
    pass_until: Mapped[Moment | None]
    earlier_passes: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    registered_at: Mapped[CreatedAt]
    revoked_at: Mapped[Moment | None]
