"""Access tokens that are no longer taken."""

from models.accounts.revocations import RevokedToken, TokensValidAfter

__all__ = [
    "RevokedToken",
    "TokensValidAfter",
]
