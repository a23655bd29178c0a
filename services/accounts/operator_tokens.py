"""Operators' access tokens where there is no web process to ask: verified as there, and looked up at each use.

Errors: OperatorRefused (not retryable).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from sqlalchemy.orm import Session

from models.accounts import AccountRole, Scope
from services.accounts.logins import LoginEnded, check_login
from services.accounts.revocations import Principal, PrincipalKind, is_revoked
from services.accounts.token_claims import LEEWAY_SECONDS, is_well_formed

# As the web process writes and reads them.
_ISSUER = _AUDIENCE = "welno"
_REQUIRED = ["exp", "iat", "jti", "sub", "scope"]


class OperatorRefused(Exception):
    """The token is none of an operator's who is signed in."""

    retryable = False


@dataclass(frozen=True)
class OperatorTokens:
    """`idle`: a login that was not used for so long has ended. `needs_second_factor` is false in the demo alone."""

    secret: str = field(repr=False)
    idle: timedelta
    needs_second_factor: bool = True

    def require_operator(self, session: Session, token: str, *, is_use: bool = True) -> str:
        """The name under which they stand in logs. `is_use`: false for what a page asks by itself, which must not keep
        a login alive. Raises OperatorRefused."""
        claims = self._verify(token)
        role = self._role_of_login(session, claims, is_use=is_use) if "sid" in claims else claims.get("role")
        if role != AccountRole.OPERATOR:
            raise OperatorRefused("not an operator")
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
        if is_revoked(session, claims["jti"], Principal(PrincipalKind.STAFF, claims["sub"]), issued_at):
            raise OperatorRefused("taken back")
        return str(claims["sub"])

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.secret,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as exc:
            raise OperatorRefused("no valid token") from exc
        if not is_well_formed(claims):
            raise OperatorRefused("an odd token")
        if claims["scope"] != Scope.OPERATIONS or claims.get("type") != "access":
            raise OperatorRefused("a token for something else")
        return claims

    def _role_of_login(self, session: Session, claims: dict[str, Any], *, is_use: bool) -> str | None:
        try:
            login = check_login(session, UUID(claims["sid"]), Scope.OPERATIONS, idle=self.idle, is_use=is_use)
        except LoginEnded as exc:
            raise OperatorRefused("signed out") from exc
        if self.needs_second_factor and not login.second_factor:
            raise OperatorRefused("without a second factor")
        return login.role
