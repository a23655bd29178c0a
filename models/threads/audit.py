"""The audit of a thread: who did what, append-only by PostgreSQL itself, chained by hashes."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table
from models.threads.threads import OF_THREAD


class ThreadAudit(Table):
    """One act. `hash` covers all other columns and the hash before it; the last one stands in the thread's row."""

    __tablename__ = "welno_thread_audit"

    thread_id: Mapped[str] = mapped_column(ForeignKey(OF_THREAD), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    actor: Mapped[str]
    action: Mapped[str]
    count: Mapped[int | None]
    seq_from: Mapped[int | None]
    seq_to: Mapped[int | None]
    result: Mapped[str]
    ip: Mapped[str | None]
    request_id: Mapped[str]
    hash: Mapped[str]
