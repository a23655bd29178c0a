"""`python -m webapp.staff_token`: prints an access token for a member of staff, or takes one back."""

import argparse
import sys
from datetime import timedelta

from flask import Flask
from flask_jwt_extended import create_access_token, decode_token

from core.clock import clock
from core.settings import Settings, load_settings
from services.stores import connect_redis
from webapp.auth import Role, revoke_token
from webapp.extensions import build_jwt

_LONGEST_HOURS = 24


def main(arguments: list[str] | None = None) -> None:
    asked = _read(arguments)
    settings = load_settings()
    app = Flask(__name__)
    build_jwt(app, settings.secrets.jwt_secret, cookie_secure=settings.web.cookie_secure)
    with app.app_context():
        if asked.revoke:
            _take_back(sys.stdin.readline().strip(), settings)
        else:
            print(make_token(asked.name, asked.hours, Role(asked.role)))  # noqa: T201 that is what it is for


def make_token(name: str, hours: float, role: Role) -> str:
    token: str = create_access_token(name, expires_delta=timedelta(hours=hours), additional_claims={"role": role})
    return token


def _take_back(token: str, settings: Settings) -> None:
    """From standard input: an argument would stand in the shell's history and the list of processes."""
    claims = decode_token(token)
    with connect_redis(settings.stores.redis_url) as redis:
        revoke_token(redis, claims["jti"], claims["exp"], clock.now())


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m webapp.staff_token", description=__doc__)
    parser.add_argument("--name", help="who it is for; it stands in the logs beside what they do")
    parser.add_argument("--hours", type=float, default=8, help=f"how long it holds, at most {_LONGEST_HOURS}")
    parser.add_argument("--role", choices=[Role.STAFF.value, Role.ADMIN.value], default=Role.STAFF.value)
    parser.add_argument("--revoke", action="store_true", help="take back the token given on standard input")
    asked = parser.parse_args(arguments)
    if not asked.revoke and not asked.name:
        parser.error("--name is needed")
    if not 0 < asked.hours <= _LONGEST_HOURS:
        parser.error(f"--hours must lie between 0 and {_LONGEST_HOURS}")
    return asked


if __name__ == "__main__":
    main()
