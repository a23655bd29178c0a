"""The utterances that members search through."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import OF_INTERVIEW
from models.interviews.projects import OF_PROJECT
from models.table import Table


class IndexedUtterance(Table):
    """A line of the script of a completed interview that is not deleted.

    `position` counts the script's entries, `utterance_id` is the script's own number of it. `letters` is what was said
    without spaces and punctuation, folded, `bigrams` each pair of neighbours in it. `interview_at` is the interview's
    `created_at`, so that the newest are found first.
    """

    __tablename__ = "utterances"
    __table_args__ = (
        Index("ix_utterances_bigrams", "bigrams", postgresql_using="gin"),
        Index(
            "ix_utterances_order", "project_id", text("interview_at desc"), text("interview_id desc"), text("position")
        ),
    )

    interview_id: Mapped[UUID] = mapped_column(ForeignKey(OF_INTERVIEW, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[UUID] = mapped_column(ForeignKey(OF_PROJECT))
    interview_at: Mapped[datetime]
    utterance_id: Mapped[int]
    speaker: Mapped[str]
    said: Mapped[str]
    letters: Mapped[str]
    bigrams: Mapped[list[str]] = mapped_column(ARRAY(Text()))
