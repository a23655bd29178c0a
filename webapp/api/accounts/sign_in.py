"""Operators, auditors and a hospital's staff: signing in and out, the operators' second factor, their way to Flower."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, request
from flask_jwt_extended import create_access_token, get_jwt
from flask_smorest import Blueprint
from werkzeug.http import dump_cookie

from core.logs import get_logger
from core.names import flower_cookie
from models.accounts import Account, AccountChangeKind, AccountKind
from services.accounts.account_changes import record_change
from services.accounts.blacklist import TokenBlacklist
from services.accounts.logins import LoginState, note_second_factor
from services.accounts.second_factor import confirm_secret, offer_secret, take_code
from services.accounts.sign_in import SCOPE_OF, CodeNeeded, SignedIn, SignIn, SignInError, SignInFailed
from webapp.api.accounts.schemas.sign_in import (
    FlowerOutput,
    SecondFactorInput,
    SecondFactorOutput,
    StaffLoginInput,
    StaffLoginOutput,
)
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.auth import Role, for_operator_login, mark_access, require_account, require_operations, take_back
from webapp.auth.credentials import bearer_token
from webapp.auth.journey_callers import read_journey_token
from webapp.auth.journey_tokens import drop_refresh_cookie, sign_out
from webapp.auth.operations import AccountToken
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.known_addresses import is_known_address, note_known_address
from webapp.limits import caller_address, count_use, pseudonym
from webapp.offloop import run_off_loop
from webapp.origins import refuse_foreign_origin
from webapp.reserved_uses import Use, count_failures, forget_failures

log = get_logger(__name__)
blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth", description="Signing in with an account")

# A shift; who is needed for longer signs in again.
TOKEN_LIFE = timedelta(hours=8)
# Whatever the address, and whatever the login: a guess costs hashing time here. Of all addresses together only those
# count from which the login was never signed in: else a stranger who knows it would keep its owner out.
_PER_LOGIN = "30 per 15 minutes"
_PER_ADDRESS = "20 per 15 minutes"
_KINDS = (AccountKind.STAFF, AccountKind.OPERATOR)


# The journey's clients write its addresses with a slash at the end, or without.
@blueprint.post("/staff-login", strict_slashes=False)
@blueprint.arguments(StaffLoginInput, error_status_code=400)
@blueprint.response(200, StaffLoginOutput)
@fails(blueprint, 400, 401, 403, 413, 415, 429)
def staff_login(body: dict[str, Any]) -> dict[str, Any]:
    """With login and password; an operator or auditor who has set up a second factor also with `totp`."""
    refuse_foreign_origin()
    who = pseudonym(body["login"].strip().lower())
    own = Use(stores().settings.accounts.staff_login_limit, "staff-login", f"{who}:{caller_address()}")
    counted = [Use(_PER_ADDRESS, "staff-login-address", caller_address())]
    if not is_known_address(f"staff/{who}"):
        counted.append(Use(_PER_LOGIN, "staff-login-name", who))
    try:
        # Without a code the try stays counted for its login: else such a call would buy more guesses at one.
        with count_failures(*counted, failures=SignInFailed), count_failures(own, failures=SignInError):
            signed_in = _sign_in()(_KINDS, body["login"], body["password"], body["totp"])
    except SignInFailed as exc:
        log.info("sign_in_failed", kind="staff", login=who)
        raise ApiError(Code.LOGIN_FAILED) from exc
    except CodeNeeded as exc:
        log.info("second_factor_missing", login=who)
        raise ApiError(Code.SECOND_FACTOR_REQUIRED) from exc
    forget_failures(own)
    note_known_address(f"staff/{who}")
    return _give_token(signed_in)


@blueprint.post("/logout", strict_slashes=False)
@blueprint.doc(security=SECURITY_STAFF)
@blueprint.response(204)
@fails(blueprint, 401, 413)
def logout() -> Response:
    """End the login whose token is shown, on every process, with its sockets; a command's token is taken back."""
    claims = _require_own_token()
    with stores().unit_of_work() as work:
        if claims.sid is None:
            take_back(work.session, get_jwt())
        elif not sign_out(work, claims.sid):
            raise ApiError(Code.TOKEN_REVOKED)
    if claims.sid is not None:
        TokenBlacklist(stores().redis, stores().clock).add(claims.token_id, claims.expires_at)
    log.info("signed_out", by=pseudonym(claims.name) if claims.role == Role.PATIENT else claims.name)
    response = Response(status=204)
    drop_refresh_cookie(response)
    return response


def _require_own_token() -> AccountToken:
    """Raises ApiError, which tells a journey's token that has ended by time from what is none."""
    try:
        return require_account()
    except ApiError:
        read_journey_token(bearer_token())
        raise


@blueprint.post("/totp")
@blueprint.doc(security=SECURITY_STAFF)
@for_operator_login
@blueprint.arguments(SecondFactorInput, error_status_code=400)
@blueprint.response(200, SecondFactorOutput)
@fails(blueprint, 400, 401, 403, 413, 415, 429)
def set_up_second_factor(login: LoginState, body: dict[str, Any]) -> dict[str, Any]:
    """Without `totp`: a new secret, for the authenticator; nothing changes until a code of it was shown here as `totp`.
    Then the account's other logins end.

    Whoever has a second factor already must have signed in with it, and asks for another with a code of the present one
    as `present_totp`.
    """
    count_use(_PER_LOGIN, "totp", str(login.principal_id))
    return _offer(login, body["present_totp"]) if body["totp"] is None else _confirm(login, body["totp"])


def _offer(login: LoginState, present_code: str | None) -> dict[str, Any]:
    here = stores()
    with here.unit_of_work() as work:
        account = work.session.get_one(Account, login.principal_id, with_for_update=True)
        if account.totp_confirmed:
            if present_code is None or not login.second_factor:
                raise ApiError(Code.SECOND_FACTOR_REQUIRED)
            if not take_code(work.session, account, here.sealer, present_code, here.clock.now()):
                raise ApiError(Code.LOGIN_FAILED)
        return {"success": True, "confirmed": False, "uri": offer_secret(account, here.sealer)}


def _confirm(login: LoginState, code: str) -> dict[str, Any]:
    with stores().unit_of_work() as work:
        account = work.session.get_one(Account, login.principal_id, with_for_update=True)
        # Confirmed meanwhile by another login: an offer of before must not take its place.
        if account.totp_confirmed and not login.second_factor:
            raise ApiError(Code.SECOND_FACTOR_REQUIRED)
        if not confirm_secret(work, account, stores().sealer, code, stores().clock.now(), keep=login.sid):
            raise ApiError(Code.LOGIN_FAILED)
        note_second_factor(work.session, login.sid)
        record_change(work.session, account, AccountChangeKind.SECOND_FACTOR_CONFIRMED, str(account.account_id))
    log.info("second_factor_confirmed", by=str(login.principal_id))
    return {"success": True, "confirmed": True}


@blueprint.post("/flower")
@blueprint.doc(security=SECURITY_STAFF)
@blueprint.response(200, FlowerOutput)
@fails(blueprint, 401, 403, 404, 413)
def open_flower() -> tuple[dict[str, Any], int, dict[str, str]]:
    """For operators: the address of Flower, and a cookie that opens it for as long as the shown token is good.

    404 where `WELNO_FLOWER_ORIGINS` names no address.
    """
    name = require_operations(Role.OPERATOR)
    settings = stores().settings
    url = _flower_url(settings.processes.flower_origins)
    secure = settings.web.cookie_secure
    cookie = dump_cookie(
        flower_cookie(secure=secure), bearer_token() or "", secure=secure, httponly=True, samesite="Strict"
    )
    log.info("flower_opened", by=name)
    return {"success": True, "url": url}, 200, {"Set-Cookie": cookie}


def _flower_url(origins: Sequence[str]) -> str:
    """Under the name by which we are asked, if it has one: the cookie goes nowhere else. Raises ApiError."""
    name = urlsplit(request.host_url).hostname
    fitting = [origin for origin in origins if urlsplit(origin).hostname == name] or origins
    if not fitting:
        raise ApiError(Code.NOT_FOUND)
    return f"{fitting[0]}/"


def _sign_in() -> SignIn:
    here = stores()
    return SignIn(here.unit_of_work, here.password_hashes, here.sealer, here.clock, run_off_loop)


def _give_token(signed_in: SignedIn) -> dict[str, Any]:
    account = signed_in.account
    log.info("staff_signed_in", by=str(account.account_id))
    return {
        "success": True,
        "access_token": token_of_account(account, signed_in.sid),
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "staff": {"staff_id": account.account_id, "name": account.name, "role": account.role},
    }


def token_of_account(account: Account, sid: UUID) -> str:
    claims = {"role": account.role, "scope": SCOPE_OF[AccountKind(account.kind)], "sid": str(sid)}
    token: str = create_access_token(str(account.account_id), expires_delta=TOKEN_LIFE, additional_claims=claims)
    return token


mark_access(staff_login, "password")
mark_access(logout, "account")
mark_access(open_flower, "operations")
