"""The generations of a thread's key as they are stored: sealed to each device by a member, opaque to the server."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table
from models.threads.threads import OF_THREAD


class ThreadKeyset(Table):
    """One generation as its maker signed it; `recipients` are those of that moment, `seq` is the item that told of it.

    The newest has no `retires_at`. Envelopes of an older one are taken until its moment; one in the past means: of
    nobody who gets the thread's lock after the unit that retired it.
    """

    __tablename__ = "welno_thread_keysets"

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    signed_at: Mapped[str]
    created_by: Mapped[UUID]
    secret_check: Mapped[str]
    prev: Mapped[str]
    recipients: Mapped[list[Any]]
    sig: Mapped[str]
    hash: Mapped[str]
    created_at: Mapped[CreatedAt]
    retires_at: Mapped[Moment | None]


class ThreadWrap(Table):
    """A generation's secret, sealed to one device."""

    __tablename__ = "welno_thread_wraps"

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    device_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    wrapped: Mapped[str]
    created_at: Mapped[CreatedAt]
