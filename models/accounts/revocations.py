"""Access tokens that were taken back: single ones, and all that somebody was given up to a moment.

Only hashes stand here: a token's id would let nobody in, but whose it is names a patient or a member of staff.
"""

from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table


class RevokedToken(Table):
    """One token, by the hash of its `jti`, kept until it has ended by itself."""

    __tablename__ = "welno_revoked_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[Moment] = mapped_column(index=True)


class TokensValidAfter(Table):
    """The moment, by the database's clock, up to which the tokens of one principal are taken back."""

    __tablename__ = "welno_tokens_valid_after"

    principal_hash: Mapped[str] = mapped_column(primary_key=True)
    valid_after: Mapped[Moment] = mapped_column(index=True)
