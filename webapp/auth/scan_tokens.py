"""Scan tokens: that a stranger has just scanned a tag of the hospital, signed, for one device and half an hour."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

LIFE = timedelta(minutes=30)
# Sets its key apart from that of access tokens: neither can be taken for the other.
_SALT = "welno.scan-token"


@dataclass(frozen=True)
class ScanClaim:
    """What a scan token says whose signature, device and time hold."""

    token_id: UUID
    tag_id: str
    expires_at: datetime


def make_scan_token(tag_id: str, device_id: str | None, reading_id: UUID | None = None) -> str:
    """`reading_id` is of a dynamic tag: however often its answer is asked for, one person claims that reading."""
    expires_at = stores().clock.now() + LIFE
    content = {"jti": (reading_id or uuid4()).hex, "tag": tag_id, "device": device_id, "exp": expires_at.timestamp()}
    token = _serializer().dumps(content)
    return token if isinstance(token, str) else token.decode()


def read_scan_token(token: str, device_id: str | None) -> ScanClaim:
    """Raises ApiError for what we did not sign, for another device's, and for one whose time is over."""
    try:
        content: dict[str, Any] = _serializer().loads(token)
    except BadSignature as exc:
        raise ApiError(Code.SCAN_TOKEN_INVALID) from exc
    if content["device"] is not None and content["device"] != device_id:
        raise ApiError(Code.SCAN_TOKEN_INVALID)
    expires_at = datetime.fromtimestamp(content["exp"], UTC)
    if expires_at <= stores().clock.now():
        raise ApiError(Code.SCAN_TOKEN_EXPIRED)
    return ScanClaim(UUID(content["jti"]), content["tag"], expires_at)


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["JWT_SECRET_KEY"], salt=_SALT)
