"""Who has read the unmasked original of an interview, and when: only ever added to."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import OF_INTERVIEW
from models.interviews.projects import OF_PROJECT
from models.table import Moment, Table


class OriginalRead(Table):
    """One reading. It outlives the interview's content, as the emptied row does."""

    __tablename__ = "original_reads"
    __table_args__ = (Index("ix_original_reads_list", "project_id", text("id desc")), Index(None, "interview_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    interview_id: Mapped[UUID] = mapped_column(ForeignKey(OF_INTERVIEW))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("welno.accounts.account_id"))
    read_at: Mapped[Moment]
    request_id: Mapped[str]
