"""Patients' passwords: set and reset by the session that identified the patient, verified by whoever knows one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.patients import ActorKind, PatientSession
from models.patients.weak_passwords import Weakness
from services.accounts.revocations import token_time
from services.patient_sessions import EndedSessions, end_others
from services.patients.passwords import Outcome, PasswordAlreadySet, Passwords, PasswordTooWeak, TryResult
from webapp.api.documented import SECURITY_SESSION, fails
from webapp.api.patients.schemas.passwords import ChangeInput, PasswordInput, PasswordOutput, VerifiedOutput
from webapp.auth import (
    current_patient_session,
    drop_session_cookie,
    for_identifying_session,
    forget_kept,
    is_at_anothers_browser,
    is_at_own_browser,
    mark_access,
    open_records,
    own_session,
)
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.extensions import PATIENT_TOKEN_LIFE
from webapp.limits import caller_address, count_use, pseudonym, refuse_beyond
from webapp.looks import note_asker, record_ended_joins
from webapp.offloop import run_off_loop
from webapp.origins import refuse_foreign_origin
from webapp.reserved_uses import Use, count_failures

log = get_logger(__name__)
blueprint = Blueprint(
    "passwords", __name__, url_prefix="/api/v1/patients/<uuid:patient_uuid>/password", description="Passwords"
)

APPROVAL_HOLDS = timedelta(minutes=5)
_WEAK = {
    Weakness.REPEATED: "같은 숫자가 되풀이돼서 쉽게 맞힐 수 있어요. 다른 숫자를 골라 주세요.",
    Weakness.RUNNING: "이어지는 숫자라서 쉽게 맞힐 수 있어요. 다른 숫자를 골라 주세요.",
    Weakness.COMMON: "많은 사람이 쓰는 숫자라서 쉽게 맞힐 수 있어요. 다른 숫자를 골라 주세요.",
    Weakness.BIRTH_DATE: "생년월일이 들어간 숫자예요. 다른 숫자를 골라 주세요.",
    Weakness.PHONE: "휴대폰 번호가 들어간 숫자예요. 다른 숫자를 골라 주세요.",
}


@blueprint.post("/set")
@blueprint.doc(security=SECURITY_SESSION)
@for_identifying_session()
@blueprint.arguments(PasswordInput, error_status_code=400)
@blueprint.response(201, PasswordOutput)
@fails(blueprint, 400, 403, 404, 409, 413, 415, 429)
def set_password(patient_uuid: UUID, body: dict[str, str]) -> dict[str, Any]:
    """The first password, by the session that identified the patient."""
    _count_setting(patient_uuid)
    with _weak_refused("password"), _others_out(current_patient_session()) as passwords:
        try:
            passwords.set(patient_uuid, body["password"])
        except PasswordAlreadySet as exc:
            raise ApiError(Code.PASSWORD_EXISTS) from exc
    return {"success": True, "message": "비밀번호를 정했어요."}


@blueprint.post("/reset")
@blueprint.doc(security=SECURITY_SESSION)
@for_identifying_session(APPROVAL_HOLDS)
@blueprint.arguments(PasswordInput, error_status_code=400)
@blueprint.response(200, PasswordOutput)
@fails(blueprint, 400, 403, 404, 413, 415, 429)
def reset_password(patient_uuid: UUID, body: dict[str, str]) -> dict[str, Any]:
    """A new one without the old, by a session that was approved within five minutes; it also ends a lock."""
    _count_setting(patient_uuid)
    with _weak_refused("password"), _others_out(current_patient_session()) as passwords:
        passwords.reset(patient_uuid, body["password"])
    return {"success": True, "message": "비밀번호를 새로 정했어요."}


@blueprint.post("/verify")
@blueprint.arguments(PasswordInput, error_status_code=400)
@blueprint.response(200, VerifiedOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def verify_password(body: dict[str, str], patient_uuid: UUID) -> Response:
    """Open the records with the password: gives an access token, also as a cookie."""
    refuse_foreign_origin()
    # Before the comparison: a password that is changed during it takes back this token too.
    issued_at = token_moment()
    require_password(patient_uuid, body["password"])
    return opened(patient_uuid, issued_at, "확인됐어요.")


@blueprint.post("/change")
@blueprint.arguments(ChangeInput, error_status_code=400)
@blueprint.response(200, VerifiedOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def change_password(body: dict[str, str], patient_uuid: UUID) -> Response:
    """A new one for whoever knows the old; all other sessions end."""
    refuse_foreign_origin()
    note_asker(ActorKind.PASSWORD, str(patient_uuid))  # only who knows the old one gets as far as a log
    with _counted_try(patient_uuid), _weak_refused("new_password"), _others_out(own_session(patient_uuid)) as passwords:
        _refuse_unless_right(
            patient_uuid, passwords.change(patient_uuid, body["current_password"], body["new_password"])
        )
    return opened(patient_uuid, token_moment(), "비밀번호를 바꿨어요.")


def require_password(patient_uuid: UUID, password: str, *, in_erasure: bool = False) -> None:
    """For other resources that ask for it once more; `in_erasure` also of who is being erased. Counted like every try.
    Raises ApiError."""
    with _counted_try(patient_uuid):
        _refuse_unless_right(patient_uuid, _passwords().verify(patient_uuid, password, in_erasure=in_erasure))


def knock(patient_uuid: UUID | None, password: str) -> bool:
    """For who may not hear why it does not fit; None for nobody."""
    return _passwords().fits(patient_uuid, password)


for _function in (verify_password, change_password):
    mark_access(_function, "password")


def _passwords() -> Passwords:
    return Passwords(stores().sessions, stores().clock, stores().password_hashes, run_off_loop)


@contextmanager
def _others_out(keep: PatientSession | None) -> Iterator[Passwords]:
    """A new password ends all sessions but this, in its own transaction; their open sockets hear of it afterwards."""
    ended: list[EndedSessions] = []

    def end(session: Session, patient_uuid: UUID) -> None:
        ended.append(end_others(session, patient_uuid, keep))
        record_ended_joins(session, patient_uuid, ended[-1].ended_joins)

    yield Passwords(stores().sessions, stores().clock, stores().password_hashes, run_off_loop, end)
    if ended:
        with stores().unit_of_work() as work:
            for one in ended:
                one.tell(work)


@contextmanager
def _weak_refused(field: str) -> Iterator[None]:
    """Tell a number that others would guess first as a fault of its field."""
    try:
        yield
    except PasswordTooWeak as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={field: [_WEAK[exc.weakness]]}) from exc


@contextmanager
def _counted_try(patient_uuid: UUID) -> Iterator[None]:
    """By address and by patient: many addresses may not guess at one patient, nor one address at many."""
    with counted_try("password-patient", str(patient_uuid)):
        yield


@contextmanager
def counted_try(action: str, key: str) -> Iterator[None]:
    """One of `key`'s, and one of the caller's address, which may not guess at many patients: there what ends with an
    error counts. Who knows their password does not: all of a hospital share an address. Refused by one of the two, it
    counts for neither. Raises ApiError."""
    limit = stores().settings.web.password_limit
    refuse_beyond(limit, action, key)
    with count_failures(Use(limit, "password", caller_address()), failures=Exception):
        count_use(limit, action, key)
        yield


def _count_setting(patient_uuid: UUID) -> None:
    """Apart from tries: a stranger who guesses must not keep the patient from a new password."""
    count_use(stores().settings.web.password_limit, "password-set", str(patient_uuid))


def _refuse_unless_right(patient_uuid: UUID, result: TryResult) -> None:
    if result.is_right:
        return
    log.info("sign_in_failed", kind="patient", login=pseudonym(str(patient_uuid)), outcome=result.outcome)
    if result.outcome is Outcome.LOCKED and result.locked_until is not None:
        left = (result.locked_until - stores().clock.now()).total_seconds()
        raise ApiError(Code.PASSWORD_LOCKED, retry_after_seconds=max(left, 0))
    if result.outcome is Outcome.NOT_SET:
        # The same for a patient without a password and one who does not exist.
        raise ApiError(Code.PATIENT_NOT_FOUND)
    raise ApiError(Code.PASSWORD_WRONG, details={"tries_left": result.tries_left})


def token_moment() -> datetime:
    """When a token is given: ask before what entitles to it is looked at."""
    with stores().sessions() as session:
        return token_time(session)


def opened(patient_uuid: UUID, issued_at: datetime, message: str, more: Mapping[str, object] | None = None) -> Response:
    """The answer that opens the records, as token and cookie."""
    response = jsonify({})
    token = open_records(response, patient_uuid, issued_at)
    if is_at_anothers_browser(patient_uuid):
        drop_session_cookie(response)
    if not is_at_own_browser(patient_uuid):
        forget_kept(response)
    body = {
        "success": True,
        "message": message,
        **(more or {}),
        "access_token": token,
        "expires_in_seconds": int(PATIENT_TOKEN_LIFE.total_seconds()),
    }
    response.set_data(jsonify(body).get_data())
    return response
