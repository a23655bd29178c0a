"""The event log: every event of every subject under its number; only erasures change it; dropped by age, in days."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table


class LoggedEvent(Table):
    """One event of one subject. PostgreSQL parts the table by kind of subject, and each kind by day (UTC).

    `body` is JSON as it goes over the wire, without `seq` and `epoch`. No constraint makes (subject, seq) unique, as
    none can over partitions: the subject's counter is raised under its row lock in the statement that inserts.
    """

    __tablename__ = "welno_events"
    __table_args__ = (
        Index(None, "subject", "seq"),
        {"postgresql_partition_by": "LIST (kind)"},
    )
    __mapper_args__ = {"primary_key": ("subject", "seq")}  # noqa: RUF012 read by SQLAlchemy

    kind: Mapped[str]
    subject: Mapped[str]
    seq: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SubjectCounter(Table):
    """The number of the last event of a subject that has no row of its own to count on."""

    __tablename__ = "welno_subjects"

    subject: Mapped[str] = mapped_column(primary_key=True)
    event_seq: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)


class RewrittenSubject(Table):
    """One, by its hash, whose logged events were erased or redacted lately: Redis may bring back what they said."""

    __tablename__ = "welno_rewritten_subjects"

    subject_hash: Mapped[str] = mapped_column(primary_key=True)
    rewritten_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)


class LogEpoch(Table):
    """The life of all numbers of this database: one row, changed by an operator after a restore."""

    __tablename__ = "welno_epoch"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    epoch: Mapped[str]
    created_at: Mapped[CreatedAt]
