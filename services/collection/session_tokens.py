"""A session's two tokens: the one of its start, and the one that follows it at the approval.

Somebody may have given the first to the person who approves (session fixation), so it opens no records. The second is
derived from what the row keeps of the first: it is the same for each tab and each repeated answer, stands nowhere, and
is of no use to who reads the rows.
"""

import base64
import hashlib
import hmac
from typing import Protocol

from core.tokens import hash_token


class Tokened(Protocol):
    """What a run, or a view of one, has to tell."""

    @property
    def session_id(self) -> str: ...
    @property
    def token_hash(self) -> str | None: ...


class SessionTokens:
    """`secret` is ours alone."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.new(secret.encode(), b"welno session token of the approval", hashlib.sha256).digest()

    def renew(self, known: Tokened) -> str:
        """The token that follows at the approval."""
        told = f"{known.session_id}\x1f{known.token_hash}".encode()
        return base64.urlsafe_b64encode(hmac.new(self._key, told, hashlib.sha256).digest()).decode().rstrip("=")

    def is_renewed(self, known: Tokened, token: str) -> bool:
        """Whether it is that one; never for a session whose tokens were taken away."""
        return bool(known.token_hash) and hmac.compare_digest(self.renew(known).encode(), token.encode())

    def fits(self, known: Tokened, token: str) -> bool:
        """Whether it is one of the two."""
        is_first = hmac.compare_digest(known.token_hash or "", hash_token(token))
        return is_first or self.is_renewed(known, token)
