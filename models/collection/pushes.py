"""Whose request lies on which phone: a phone shows one at a time, however many sessions name its number."""

from uuid import UUID

from sqlalchemy import false
from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table


class Push(Table):
    """One phone, by the pseudonym of its number. Its row's lock puts all sessions that ask for it in order.

    `session_id` is the session that asked last, since `taken_at`; whether its request still waits, its run says.
    `is_told`: that session has heard that somebody else asked.
    """

    __tablename__ = "welno_pushes"

    phone: Mapped[str] = mapped_column(primary_key=True)
    # No foreign key: who deletes a run would lock it before the phone.
    session_id: Mapped[UUID | None] = mapped_column(index=True)
    taken_at: Mapped[Moment] = mapped_column(index=True)
    is_told: Mapped[bool] = mapped_column(server_default=false())
