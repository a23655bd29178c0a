"""Calls of MISO that nobody waits for any more, and of which it has not told yet what they have used."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.projects import OF_PROJECT
from models.interviews.runs import OF_RUN
from models.table import CreatedAt, Moment, Table


class UnsettledCall(Table):
    """Until MISO tells its end, or for a day. Each attempt has one call at most, so that its user names it.

    `task_id`        what its workflow is stopped by; null where MISO has told none, as of a blocking call
    `sent_at`        when somebody was last told to settle it, and `sends` how often
    `claimed_until`  a process asks MISO until then
    `reserved_tokens`  what it may have used, until that is known
    """

    __tablename__ = "interview_unsettled_calls"
    __table_args__ = (Index(None, "interview_id"), Index(None, "project_id"))

    miso_user: Mapped[str] = mapped_column(primary_key=True)
    interview_id: Mapped[UUID] = mapped_column(ForeignKey(OF_RUN, ondelete="CASCADE"))
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    task_id: Mapped[str | None]
    noted_at: Mapped[CreatedAt]
    sends: Mapped[int] = mapped_column(server_default=text("0"))
    sent_at: Mapped[Moment | None]
    claimed_until: Mapped[Moment | None]
    reserved_tokens: Mapped[int] = mapped_column(server_default=text("0"))
