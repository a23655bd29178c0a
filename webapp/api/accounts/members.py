"""Members of companies: signing in and out, exchanging refresh tokens, who one is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.accounts import Account, AccountKind, Company, Login, RevokedWhy
from services.accounts.logins import LoginEnded, RefreshReused, end_login
from services.accounts.sign_in import SignedIn, SignIn, SignInError
from services.accounts.token_refresh import Exchanged, RefreshKeyMismatch, ShownRefresh, TokenPair, exchange_refresh
from webapp.api.accounts.schemas.members import (
    MemberLoginInput,
    MemberOutput,
    MemberRefreshInput,
    MemberTokensOutput,
)
from webapp.api.documented import SECURITY_MEMBER, fails
from webapp.auth import mark_access
from webapp.auth.member_tokens import (
    ACCESS_LIFE,
    drop_member_cookies,
    keep_member_cookies,
    make_member_pair,
    new_refresh_id,
    read_member_refresh,
    refresh_cookie,
)
from webapp.auth.members import MemberCaller, for_member
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.known_addresses import is_known_address, note_known_address
from webapp.limits import caller_address, pseudonym
from webapp.offloop import run_off_loop
from webapp.origins import refuse_foreign_origin
from webapp.reserved_uses import Use, count_failures

log = get_logger(__name__)
blueprint = Blueprint("members", __name__, url_prefix="/api/v1/accounts", description="Members of companies sign in")

# A guess costs hashing time here, whatever the address, and whatever the e-mail. Of all addresses together only those
# count from which the e-mail was never signed in: else a stranger who knows it would keep its owner out.
_PER_EMAIL_AND_ADDRESS = "5 per 15 minutes"
_PER_EMAIL = "30 per 15 minutes"
_PER_ADDRESS = "50 per 15 minutes"


@blueprint.post("/login")
@blueprint.arguments(MemberLoginInput, error_status_code=400)
@blueprint.response(200, MemberTokensOutput)
@fails(blueprint, 400, 401, 403, 413, 415, 429)
def login(body: dict[str, Any]) -> Response:
    """With e-mail and password. Browsers get both tokens as cookies, too."""
    refuse_foreign_origin()
    refresh_id = new_refresh_id()
    try:
        with count_failures(*_uses_of(body["email"]), failures=SignInError):
            signed_in = _sign_in()([AccountKind.MEMBER], body["email"], body["password"], refresh_id=refresh_id)
    except SignInError as exc:
        log.info("sign_in_failed", kind="member", login=_name_of(body["email"]))
        raise ApiError(Code.LOGIN_FAILED) from exc
    note_known_address(f"member/{_name_of(body['email'])}")
    log.info("member_signed_in", member=pseudonym(str(signed_in.account.account_id)))
    return _answer_login(signed_in, refresh_id)


@blueprint.post("/refresh")
@blueprint.arguments(MemberRefreshInput, required=False, error_status_code=400)
@blueprint.response(200, MemberTokensOutput)
@fails(blueprint, 400, 401, 403, 409, 413, 415)
def refresh(body: dict[str, Any]) -> Response:
    """New cookies and a new access token; the old refresh token ends. Shown again, it ends its login."""
    key = request.headers.get("Idempotency-Key") or body.get("idempotency_key")
    shown = read_member_refresh(refresh_cookie(), key)
    account_id, exchanged = _exchange(shown)
    with stores().unit_of_work() as work:
        account = _described(work.session, account_id)
    answer = _tokens(exchanged.pair, account)
    if exchanged.is_replayed:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


@blueprint.post("/logout")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(204)
@fails(blueprint, 401, 403, 413)
def logout(caller: MemberCaller) -> Response:
    """End the login on every process, with its open streams."""
    with stores().unit_of_work() as work:
        end_login(work, caller.sid, RevokedWhy.SIGNED_OUT)
    response = Response(status=204)
    drop_member_cookies(response)
    return response


@blueprint.get("/me")
@blueprint.doc(security=SECURITY_MEMBER)
@for_member
@blueprint.response(200, MemberOutput)
@fails(blueprint, 401)
def me(caller: MemberCaller) -> dict[str, Any]:
    """Whose login this is."""
    with stores().unit_of_work() as work:
        return {"success": True, "account": _described(work.session, caller.account_id)}


mark_access(login, "password")
mark_access(refresh, "refresh token")


def _uses_of(email: str) -> list[Use]:
    who, address = _name_of(email), caller_address()
    uses = [
        Use(_PER_EMAIL_AND_ADDRESS, "member-login", f"{who}:{address}"),
        Use(_PER_ADDRESS, "member-login-address", address),
    ]
    if not is_known_address(f"member/{who}"):
        uses.append(Use(_PER_EMAIL, "member-login-email", who))
    return uses


def _name_of(email: str) -> str:
    return pseudonym(email.strip().lower())


def _sign_in() -> SignIn:
    here = stores()
    return SignIn(here.unit_of_work, here.password_hashes, here.sealer, here.clock, run_off_loop)


def _answer_login(signed_in: SignedIn, refresh_id: str) -> Response:
    account = signed_in.account
    with stores().unit_of_work() as work:
        described = _described(work.session, account.account_id)
    return _tokens(make_member_pair(account.account_id, signed_in.sid, refresh_id), described)


def _exchange(shown: ShownRefresh) -> tuple[UUID, Exchanged]:
    """Raises ApiError."""
    here = stores()
    reused: RefreshReused | None = None
    with here.unit_of_work() as work:
        try:
            exchanged = exchange_refresh(work, here.sealer, shown, _issue)
            return work.session.get_one(Login, shown.sid).principal_id, exchanged
        except LoginEnded as exc:
            raise ApiError(Code.TOKEN_REVOKED) from exc
        except RefreshKeyMismatch as exc:
            raise ApiError(Code.IDEMPOTENCY_MISMATCH) from exc
        except RefreshReused as exc:  # that the login was taken back must be committed
            reused = exc
    log.warning("member_refresh_token_reused", sid=str(shown.sid))
    raise ApiError(Code.REFRESH_REUSED) from reused


def _issue(login: Login) -> TokenPair:
    return make_member_pair(login.principal_id, login.sid, new_refresh_id())


def _tokens(pair: TokenPair, account: dict[str, Any]) -> Response:
    answer = jsonify(
        {
            "success": True,
            "access_token": pair.access_token,
            "expires_in": int(ACCESS_LIFE / timedelta(seconds=1)),
            "account": account,
        }
    )
    keep_member_cookies(answer, pair)
    return answer


def _described(session: Session, account_id: UUID) -> dict[str, Any]:
    account = session.get_one(Account, account_id)
    company = session.get_one(Company, account.company_id)
    return {
        "id": str(account.account_id),
        "name": account.name,
        "email": account.login,
        "company": {"id": str(company.id), "name": company.name},
    }
