"""Builds the Flask extensions of one app. Imports nothing of ours, so that every other module here may import it."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_smorest import Api
from redis import ConnectionPool

# As long as a session rests: whoever comes back later types the password again.
PATIENT_TOKEN_LIFE = timedelta(minutes=30)


class DocumentedApi(Api):  # type: ignore[misc] # the library has no types
    """Makes the document only: errors.py answers errors, in one place for the whole app."""

    # Each operation lists its own errors; a catch-all would say that anything may come.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Nothing: see errors.py."""


def build_api(app: Flask, description: str) -> DocumentedApi:
    app.config.update(
        API_TITLE="welno",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",  # served by api/reference.py: the library would render it at each call
        API_SPEC_OPTIONS={"info": {"description": description}},
    )
    return DocumentedApi(app)


def build_jwt(app: Flask, secret: str, *, cookie: str, cookie_secure: bool, leeway_seconds: int) -> JWTManager:
    app.config.update(
        JWT_SECRET_KEY=secret,
        JWT_ALGORITHM="HS256",
        JWT_ENCODE_ISSUER="welno",
        JWT_DECODE_ISSUER="welno",
        JWT_ENCODE_AUDIENCE="welno",
        JWT_DECODE_AUDIENCE="welno",
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_DECODE_LEEWAY=leeway_seconds,
        JWT_ACCESS_TOKEN_EXPIRES=PATIENT_TOKEN_LIFE,
        JWT_ACCESS_COOKIE_NAME=cookie,
        JWT_ACCESS_COOKIE_PATH="/",
        JWT_COOKIE_SECURE=cookie_secure,
        JWT_COOKIE_SAMESITE="Strict",
        # An unsafe call with a cookie needs a listed Origin instead (origins.py).
        JWT_COOKIE_CSRF_PROTECT=False,
    )
    return JWTManager(app)


def build_limiter(app: Flask, pool: ConnectionPool, storage_scheme: str, now: Callable[[], float]) -> Limiter:
    """Counts in the storage of this scheme, which is given the connections and the clock. Errors of Redis are raised: a
    limit that cannot be counted is no permission."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=f"{storage_scheme}://",
        storage_options={"connection_pool": pool, "now": now},  # type: ignore[dict-item] # handed on as it is
        strategy="moving-window",
        key_prefix="welno",
    )
    # What is counted is counted where it happens (limits.py), so there is nothing to look for at each request.
    limiter.enabled = False
    return limiter
