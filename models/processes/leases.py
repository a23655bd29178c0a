"""Processes that hold runs, and until when each is believed to be alive."""

from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class ProcessLease(Table):
    """A worker or poller process. It also holds the advisory lock of its id, which vanishes at once when it dies.

    `calls_until` is of a poller that polls by calls which may be paid for: one of them may be under way until then.
    """

    __tablename__ = "welno_processes"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    started_at: Mapped[CreatedAt]
    lease_until: Mapped[Moment]
    calls_until: Mapped[Moment | None]
