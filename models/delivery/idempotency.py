"""Idempotency keys: what was answered to a call that may come again."""

from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table


class IdempotencyKey(Table):
    """One call of one actor under a key of theirs, of which only the hash stands here, as of the body (`fingerprint`).

    Written with the change itself. `reply` is JSON, or sealed where it holds a secret; both it and `status` are None
    only within the transaction.
    """

    __tablename__ = "idempotency_keys"

    actor: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    reply: Mapped[str | None]
    created_at: Mapped[Moment] = mapped_column(index=True)
