"""What each attempt to analyse an interview, or to make an insight, has cost at MISO."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.projects import OF_PROJECT
from models.table import Moment, Table


class MisoCost(Table):
    """`interview_id` may be an insight's, as in its run. `called_at` is the attempt's first call: its month pays.
    `calls` are those that left, `seconds` and `tokens` are MISO's own figures, of an answer that came. It outlives the
    interview's content.
    """

    __tablename__ = "miso_costs"
    __table_args__ = (Index(None, "project_id", "called_at"),)

    interview_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    called_at: Mapped[Moment]
    calls: Mapped[int]
    tokens: Mapped[int]
    seconds: Mapped[float]
