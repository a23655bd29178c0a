"""Who may see a patient's records: the session that identified the patient, or whoever typed the password."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from flask import Response, abort, g, redirect, request
from flask_jwt_extended import create_access_token, get_jwt, set_access_cookies
from sqlalchemy.orm import Session

from core.names import Step
from models.accounts import Scope
from models.patients import ActorKind, PatientSession
from services.collection.errors import SessionNotFound
from services.collection.session_cache import SessionView
from services.collection.sessions import approved_at
from services.patients.openings import Opening, find_openings
from services.patients.session_rows import OpenPatientSession, find_open, is_to_be_noted, note_password, note_seen
from webapp.auth.access import mark_access
from webapp.auth.credentials import presented_credential
from webapp.auth.session import follow_token, renew_session
from webapp.auth.tokens import Role, verified_claims
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.extensions import PATIENT_TOKEN_LIFE
from webapp.looks import note_asker
from webapp.origins import require_listed_origin
from webapp.visitors import current_visitor

P = ParamSpec("P")
R = TypeVar("R")

_STEPS = list(Step)


def has_identified(view: SessionView, patient_uuid: UUID) -> bool:
    """Whether the session's person proved to be this patient. A uuid that is only reserved proves nothing: the
    browser may have named it."""
    behind_identification = _STEPS.index(Step(view.step)) > _STEPS.index(Step.IDENTIFY_PATIENT)
    return view.auth_completed and behind_identification and view.patient_uuid == str(patient_uuid)


def enter_records(view: SessionView, patient_uuid: UUID) -> bool:
    """The same, and nobody has ended the session since; for the token of the approval alone. Who is let in is noted for
    the access log, as by `require_patient`."""
    found = _find(patient_uuid, session_id=UUID(view.session_id)) if has_identified(view, patient_uuid) else None
    if found is None:
        return False
    _enter(found, ActorKind.SESSION, view.session_id)
    return True


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
    found = _find(patient_uuid, session_id=UUID(view.session_id))
    if found is None:
        return False
    if not follow_token(credential, view):
        if not view.token_renewed:
            _ask_to_come_again(by_cookie=credential.by_cookie)
        return False
    renew_session(stores(), view)
    _enter(found, ActorKind.SESSION, view.session_id)
    return True


def _ask_to_come_again(*, by_cookie: bool) -> None:
    """With the token of the approval: a browser is given its cookie with this answer, and follows by itself. Raises."""
    if by_cookie:
        abort(redirect(request.full_path.removesuffix("?"), 307))
    raise ApiError(Code.TOKEN_RENEWED)


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
    found = _find(patient_uuid, row_id=UUID(claims["session"])) if "session" in claims else None
    if found is None:
        return False
    _enter(found, ActorKind.PASSWORD, str(found.row.id))
    return True


def _find(
    patient_uuid: UUID, *, row_id: UUID | None = None, session_id: UUID | None = None
) -> OpenPatientSession | None:
    with stores().sessions() as session:
        return find_open(session, patient_uuid, row_id=row_id, session_id=session_id)


def _enter(found: OpenPatientSession, kind: ActorKind, name: str) -> None:
    now = stores().clock.now()
    if is_to_be_noted(found.row, now):
        with stores().unit_of_work() as work:
            note_seen(work.session, found.row.id, now)
    g.patient_session, g.joined_uuid = found.row, found.older_uuid
    note_asker(kind, name)


def current_patient_session() -> PatientSession:
    """By which whoever asks was let in."""
    found: PatientSession = g.patient_session
    return found


def current_openings(session: Session) -> list[Opening]:
    """Who else opened the records of whoever asks, since their last session."""
    here = stores()
    return find_openings(session, here.access_log, here.sealer, current_patient_session(), here.clock.now())


def own_session(patient_uuid: UUID) -> PatientSession | None:
    """The asking browser's own, if it has one of an authenticator; for who was let in by something else."""
    credential = presented_credential()
    if credential is None:
        return None
    view = stores().directory.read(credential.session_id)
    if view is None or not stores().directory.tokens.is_renewed(view, credential.secret):
        return None
    found = _find(patient_uuid, session_id=UUID(view.session_id)) if has_identified(view, patient_uuid) else None
    return found.row if found is not None else None


def is_at_anothers_browser(patient_uuid: UUID) -> bool:
    """Whether the session that is presented identified somebody else."""
    credential = presented_credential()
    view = stores().directory.read(credential.session_id) if credential is not None else None
    return view is not None and view.auth_completed and view.patient_uuid not in (None, str(patient_uuid))


def is_at_own_browser(patient_uuid: UUID) -> bool:
    """Whether a cookie shows that this patient's records were open here last. One that has run out shows nothing."""
    claims = verified_claims("cookies")
    if claims is not None:
        return bool(claims.get("sub") == str(patient_uuid))
    return own_session(patient_uuid) is not None


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


def admitted_token() -> str:
    """The secret by which `require_patient` let the caller in; nothing that we keep leads back to it."""
    kind, _ = g.asker
    credential = presented_credential()
    return credential.secret if kind is ActorKind.SESSION and credential else str(get_jwt()["jti"])


def for_patient(function: Callable[Concatenate[UUID, P], R]) -> Callable[..., R]:
    """A view of one patient's records."""

    @wraps(function)
    def guarded(patient_uuid: UUID, *args: P.args, **kwargs: P.kwargs) -> R:
        require_patient(patient_uuid)
        return function(patient_uuid, *args, **kwargs)

    return mark_access(guarded, "patient")


def for_identifying_session(
    fresh_within: timedelta | None = None,
) -> Callable[[Callable[Concatenate[UUID, P], R]], Callable[..., R]]:
    """A view for the session alone that identified the patient; where wanted, by an approval that is no older."""

    def decorate(function: Callable[Concatenate[UUID, P], R]) -> Callable[..., R]:
        @wraps(function)
        def guarded(patient_uuid: UUID, *args: P.args, **kwargs: P.kwargs) -> R:
            require_identifying_session(patient_uuid)
            if fresh_within is not None:
                require_fresh_proof(patient_uuid, fresh_within)
            return function(patient_uuid, *args, **kwargs)

        return mark_access(guarded, "session")

    return decorate


def open_records(response: Response, patient_uuid: UUID, issued_at: datetime) -> str:
    """The access token of a patient who typed the right password, also set as a cookie. `issued_at` is `token_time`."""
    here = stores()
    with here.unit_of_work() as work:
        row_id = note_password(
            work.session,
            patient_uuid,
            current_visitor(),
            here.sealer,
            proved_at=issued_at,
            life=PATIENT_TOKEN_LIFE,
        )
    # To the microsecond, unlike `iat`: a token given right after a change of password must outlive it.
    claims = {
        "role": Role.PATIENT,
        "scope": Scope.RECORDS,
        "issued_at": issued_at.timestamp(),
        "session": str(row_id),
    }
    token: str = create_access_token(str(patient_uuid), additional_claims=claims)
    set_access_cookies(response, token, max_age=int(PATIENT_TOKEN_LIFE.total_seconds()))
    return token
