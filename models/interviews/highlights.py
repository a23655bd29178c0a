"""What members mark in a script: a range of utterances, with tags and a note."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import OF_INTERVIEW
from models.interviews.projects import OF_PROJECT
from models.table import Moment, Table


class Highlight(Table):
    """The range is given by the script's own numbers of its first and last utterance. `first_position` and
    `last_position` count the script's entries, as the indexed utterances do; null where it was made before they were
    kept. `tags` and `note` are masked."""

    __tablename__ = "highlights"
    __table_args__ = (
        Index("ix_highlights_list", "project_id", text("created_at desc"), text("id desc")),
        Index(None, "interview_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    interview_id: Mapped[UUID] = mapped_column(ForeignKey(OF_INTERVIEW))
    first_utterance_id: Mapped[int]
    last_utterance_id: Mapped[int]
    first_position: Mapped[int | None]
    last_position: Mapped[int | None]
    tags: Mapped[list[Any]]
    note: Mapped[str]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("welno.accounts.account_id"))
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
