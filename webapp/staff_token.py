"""`python -m webapp.staff_token`: prints an access token for an operator or auditor, or takes one back."""

import argparse
import sys
from contextlib import closing
from datetime import timedelta

from flask import Flask
from flask_jwt_extended import create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from core.clock import clock
from core.settings import Settings, load_settings
from models.accounts import Scope
from services.accounts.revocations import LONGEST_TOKEN_LIFE
from services.accounts.token_claims import LEEWAY_SECONDS, is_well_formed
from services.stores import build_stores
from webapp.auth import Role, take_back
from webapp.cookies import PATIENT_COOKIE
from webapp.errors import STORES_DOWN
from webapp.extensions import build_jwt

_LONGEST_HOURS = LONGEST_TOKEN_LIFE / timedelta(hours=1)


def main(arguments: list[str] | None = None) -> None:
    asked = _read(arguments)
    settings = load_settings()
    app = Flask(__name__)
    secure, secret = settings.web.cookie_secure, settings.secrets.jwt_secret
    build_jwt(app, secret, cookie=PATIENT_COOKIE, cookie_secure=secure, leeway_seconds=LEEWAY_SECONDS)
    with app.app_context():
        if asked.revoke:
            _take_back(sys.stdin.readline().strip(), settings)
        else:
            print(make_token(asked.name, asked.hours, Role(asked.role)))  # noqa: T201 that is what it is for


def make_token(name: str, hours: float, role: Role) -> str:
    token: str = create_access_token(
        name, expires_delta=timedelta(hours=hours), additional_claims={"role": role, "scope": Scope.OPERATIONS}
    )
    return token


def _take_back(token: str, settings: Settings) -> None:
    """From standard input: an argument would stand in the shell's history and the list of processes."""
    try:
        claims = decode_token(token)
    except ExpiredSignatureError:
        return
    except (JWTExtendedException, PyJWTError):
        claims = {}
    if not is_well_formed(claims):
        sys.exit("this is no token of ours")
    with closing(build_stores(settings, clock, lambda _: None)) as stores:
        try:
            with stores.unit_of_work() as work:
                take_back(work.session, claims)
        except STORES_DOWN as exc:
            sys.exit(f"nothing was taken back: the database does not answer ({type(exc).__name__})")


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m webapp.staff_token", description=__doc__)
    parser.add_argument("--name", help="who it is for; it stands in the logs beside what they do")
    parser.add_argument("--hours", type=float, default=8, help=f"how long it holds, at most {_LONGEST_HOURS:g}")
    parser.add_argument("--role", choices=[Role.OPERATOR.value, Role.AUDITOR.value], default=Role.OPERATOR.value)
    parser.add_argument("--revoke", action="store_true", help="take back the token given on standard input")
    asked = parser.parse_args(arguments)
    if not asked.revoke and not asked.name:
        parser.error("--name is needed")
    if not 0 < asked.hours <= _LONGEST_HOURS:
        parser.error(f"--hours must lie between 0 and {_LONGEST_HOURS:g}")
    return asked


if __name__ == "__main__":
    main()
