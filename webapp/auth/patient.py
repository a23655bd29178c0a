"""Who may see a patient's records: the session that identified the patient, or whoever typed the password."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from flask import Response, g
from flask_jwt_extended import create_access_token, get_jwt, set_access_cookies

from core.names import Step
from models.accounts import Scope
from models.patients import ActorKind
from services.collection.errors import SessionNotFound
from services.collection.session_cache import SessionView
from services.collection.sessions import approved_at
from webapp.auth.access import mark_access
from webapp.auth.credentials import presented_credential
from webapp.auth.session import renew_session
from webapp.auth.tokens import Role, verified_claims
from webapp.current import stores
from webapp.errors import ApiError, Code
from webapp.extensions import PATIENT_TOKEN_LIFE
from webapp.looks import note_asker
from webapp.origins import require_listed_origin

P = ParamSpec("P")
R = TypeVar("R")

_STEPS = list(Step)


def has_identified(view: SessionView, patient_uuid: UUID) -> bool:
    """Whether the session's person proved to be this patient. A uuid that is only reserved proves nothing: the
    browser may have named it."""
    behind_identification = _STEPS.index(Step(view.step)) > _STEPS.index(Step.IDENTIFY_PATIENT)
    return view.auth_completed and behind_identification and view.patient_uuid == str(patient_uuid)


def require_patient(patient_uuid: UUID) -> None:
    """For the session that identified the patient, or after the password. Raises ApiError (404 for strangers)."""
    if not _is_identifying_session(patient_uuid) and not _knew_password(patient_uuid):
        raise ApiError(Code.PATIENT_NOT_FOUND)


def require_identifying_session(patient_uuid: UUID) -> None:
    """Only for the session that identified the patient. Raises ApiError."""
    if not _is_identifying_session(patient_uuid):
        raise ApiError(Code.PATIENT_NOT_FOUND)


def _is_identifying_session(patient_uuid: UUID) -> bool:
    credential = presented_credential()
    if credential is None:
        return False
    try:
        view = stores().directory.find(credential.session_id, credential.secret)
    except SessionNotFound:
        return False
    if not has_identified(view, patient_uuid):
        return False
    if credential.by_cookie:
        require_listed_origin()
    renew_session(stores(), view)
    note_asker(ActorKind.SESSION, view.session_id)
    return True


def _knew_password(patient_uuid: UUID) -> bool:
    """By a patient's access token, as bearer or in its cookie."""
    by_header = verified_claims("headers")
    claims = by_header or verified_claims("cookies")
    if claims is None or claims.get("role") != Role.PATIENT or claims.get("sub") != str(patient_uuid):
        return False
    # Patients of a hospital log in with four digits and a birth date: that opens no records, whatever `sub` says.
    if claims.get("scope", Scope.RECORDS) != Scope.RECORDS:
        return False
    if by_header is None:
        require_listed_origin()
    note_asker(ActorKind.PASSWORD, str(patient_uuid))
    return True


def require_fresh_proof(patient_uuid: UUID, within: timedelta) -> None:
    """Like `require_patient`, and the approval on the phone, or the password, must be no older. Raises ApiError."""
    require_patient(patient_uuid)
    kind, name = g.asker
    now = stores().clock.now()
    if kind is ActorKind.SESSION:
        with stores().sessions() as session:
            proved_at = approved_at(session, UUID(name))
    else:
        proved_at = datetime.fromtimestamp(get_jwt()["issued_at"], UTC)
    if proved_at is None or now - proved_at > within:
        raise ApiError(Code.FRESH_PROOF_REQUIRED)


def for_patient(function: Callable[Concatenate[UUID, P], R]) -> Callable[..., R]:
    """A view of one patient's records."""

    @wraps(function)
    def guarded(patient_uuid: UUID, *args: P.args, **kwargs: P.kwargs) -> R:
        require_patient(patient_uuid)
        return function(patient_uuid, *args, **kwargs)

    return mark_access(guarded, "patient")


def open_records(response: Response, patient_uuid: UUID, issued_at: datetime) -> str:
    """The access token of a patient who typed the right password, also set as a cookie. `issued_at` is `token_time`."""
    # To the microsecond, unlike `iat`: a token given right after a change of password must outlive it.
    claims = {"role": Role.PATIENT, "scope": Scope.RECORDS, "issued_at": issued_at.timestamp()}
    token: str = create_access_token(str(patient_uuid), additional_claims=claims)
    set_access_cookies(response, token, max_age=int(PATIENT_TOKEN_LIFE.total_seconds()))
    return token
