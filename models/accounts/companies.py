"""Companies: whose people the accounts of kind member are."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table


class Company(Table):
    """Made by operators."""

    __tablename__ = "companies"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    created_at: Mapped[CreatedAt]
