"""Which interviews' results stand in MISO's knowledge base, or are on their way into it or out of it."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import OF_INTERVIEW
from models.interviews.projects import OF_PROJECT
from models.table import Moment, Table


class KnowledgeEntry(Table):
    """`is_wanted`: what shall be; the rest is how far it is. `due_at` is when somebody may go on, and the fence of
    whoever does.

    `is_begun`       a document may be there, of whatever id: it is found by its name
    `is_filling`     segments have been sent, and nobody knows yet whether they arrived
    `is_filled`      all of them have
    """

    __tablename__ = "knowledge_entries"
    __table_args__ = (
        Index("ix_knowledge_entries_due_at", "due_at", postgresql_where=text("not (is_wanted and is_filled)")),
        Index(None, "project_id"),
    )

    interview_id: Mapped[UUID] = mapped_column(ForeignKey(OF_INTERVIEW), primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    is_wanted: Mapped[bool]
    document_id: Mapped[str | None]
    is_begun: Mapped[bool] = mapped_column(server_default=text("false"))
    is_filling: Mapped[bool] = mapped_column(server_default=text("false"))
    is_filled: Mapped[bool] = mapped_column(server_default=text("false"))
    due_at: Mapped[Moment]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
