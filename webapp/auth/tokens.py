"""Access tokens (JWT) of patients and staff: what a request's token claims, and whether it was taken back."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import g, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from redis import Redis

from core.clock import clock
from webapp.auth.credentials import bearer_token
from webapp.current import stores
from webapp.extensions import PATIENT_COOKIE, PATIENT_TOKEN_LIFE


class Role(StrEnum):
    PATIENT = "patient"
    STAFF = "staff"
    ADMIN = "admin"


def verified_claims(location: str) -> dict[str, Any] | None:
    """Of a valid, unrevoked access token there; None for anything else. Raises RedisError: unsure is no."""
    if (bearer_token() if location == "headers" else request.cookies.get(PATIENT_COOKIE)) is None:
        return None
    # The library keeps what it found for the whole request, whatever location is asked for next.
    g.pop("_jwt_extended_jwt", None)
    try:
        verify_jwt_in_request(locations=[location])
    except (JWTExtendedException, PyJWTError):
        return None
    claims: dict[str, Any] = get_jwt()
    return claims


def answer_revoked(jwt: JWTManager) -> None:
    """Ask Redis for every token whether it was taken back."""

    @jwt.token_in_blocklist_loader
    def is_revoked(_: dict[str, Any], claims: dict[str, Any]) -> bool:
        taken_back, since = stores().redis.mget(f"blacklist:{claims['jti']}", _since_key(claims["sub"]))
        issued_at = claims.get("issued_at", claims["iat"])
        return taken_back is not None or (since is not None and issued_at <= float(since))


def revoke_token(redis: Redis, jti: str, expires_at: float, now: datetime) -> None:
    """Until it would have ended anyway."""
    left = int(expires_at - now.timestamp()) + 1
    if left > 0:
        redis.set(f"blacklist:{jti}", "1", ex=left)


def revoke_earlier(redis: Redis, subject: str, life: timedelta = PATIENT_TOKEN_LIFE) -> None:
    """Take back every token that the subject was given until now, as after a changed password."""
    redis.set(_since_key(subject), str(clock.now().timestamp()), ex=int(life.total_seconds()) + 1)


def _since_key(subject: str) -> str:
    # Hashed, because a subject is a patient's uuid or a name of staff.
    return f"blacklist:since:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
