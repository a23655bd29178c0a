"""Conversations with personas: MISO keeps what was said, these rows say whose it is."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.interviews.interviews import JsonObject
from models.table import CreatedAt, Table


class Conversation(Table):
    """`provider_id` is MISO's own, which the browser is told: it opens nothing without the account and the persona.
    `placeholders`: those that its questions have used, with keyed hashes of whom they mean; None: nobody knows."""

    __tablename__ = "conversations"
    __table_args__ = (Index(None, "persona_combination_id"),)

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("welno.accounts.account_id", ondelete="CASCADE"), primary_key=True
    )
    provider_id: Mapped[str] = mapped_column(primary_key=True)
    persona_combination_id: Mapped[UUID] = mapped_column(
        ForeignKey("welno.persona_combinations.id", ondelete="CASCADE")
    )
    created_at: Mapped[CreatedAt]
    placeholders: Mapped[JsonObject]
