"""Access tokens (JWT) of patients and accounts: what a request's token claims, and whether it was taken back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from flask import current_app, g, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from sqlalchemy.orm import Session

from models.accounts import Scope
from services.accounts.revocations import Principal, PrincipalKind, is_revoked, revoke_token
from services.accounts.token_claims import is_well_formed
from webapp.auth.credentials import bearer_token
from webapp.current import stores


class Role(StrEnum):
    PATIENT = "patient"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    STAFF = "staff"
    ADMIN = "admin"
    MEMBER = "member"


def verified_claims(location: str) -> dict[str, Any] | None:
    """Of a valid, unrevoked access token there; None for anything else. Raises SQLAlchemyError: unsure is no."""
    if (
        bearer_token() if location == "headers" else request.cookies.get(current_app.config["JWT_ACCESS_COOKIE_NAME"])
    ) is None:
        return None
    # The library keeps what it found for the whole request, whatever location is asked for next.
    g.pop("_jwt_extended_jwt", None)
    try:
        verify_jwt_in_request(locations=[location])
    except (JWTExtendedException, PyJWTError):
        return None
    claims: dict[str, Any] = get_jwt()
    return claims


def refuse_revoked(jwt: JWTManager) -> None:
    """Ask PostgreSQL for every token whether it was taken back. One that is not of our form counts as that."""

    @jwt.token_in_blocklist_loader
    def is_taken_back(_: dict[str, Any], claims: dict[str, Any]) -> bool:
        if not is_well_formed(claims):
            return True
        issued_at = datetime.fromtimestamp(claims.get("issued_at", claims["iat"]), UTC)
        with stores().sessions() as session:
            return is_revoked(session, claims["jti"], _principal_of(claims), issued_at)


def take_back(session: Session, claims: Mapping[str, Any]) -> None:
    """The token that claims this, until it would have ended anyway."""
    revoke_token(session, claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))


def _principal_of(claims: Mapping[str, Any]) -> Principal:
    is_patient = claims.get("role") == Role.PATIENT and claims.get("scope", Scope.RECORDS) == Scope.RECORDS
    return Principal(PrincipalKind.PATIENT if is_patient else PrincipalKind.STAFF, claims["sub"])
