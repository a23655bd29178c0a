"""Who may take part in threads: patients with their records' credentials, a hospital's staff by their login."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import structlog
from flask import g, request

from models.patients import ActorKind
from services.threads.audit import AuditedCaller
from services.threads.encoding import is_thread_id, patient_member, staff_member
from services.threads.errors import ThreadNotFound
from webapp.auth.access import mark_access
from webapp.auth.credentials import bearer_token, presented_credential, sub_protocol_token
from webapp.auth.journey_callers import find_present_caller
from webapp.auth.patient import (
    current_patient_session,
    require_fresh_proof,
    require_patient,
)
from webapp.auth.tokens import Role, verified_claims
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym
from webapp.origins import is_listed

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class KnownMember:
    """Who it is, and by what: staff by their login, a patient by the row of their session."""

    member: str
    login_sid: UUID | None = None
    patient_session: UUID | None = None

    @property
    def notice(self) -> str:
        """By which the control channel says that what they came by has ended."""
        return f"sid:{self.login_sid or self.patient_session}"

    def as_caller(self) -> AuditedCaller:
        """Of this request."""
        return AuditedCaller.at(self.member, request.remote_addr, g.request_id)


def require_known() -> KnownMember:
    """Raises ApiError: 401 for everybody who is no member by what they show, whoever else they may be."""
    known = _find_staff() or _find_patient()
    if known is None:
        raise ApiError(Code.UNAUTHORIZED)
    structlog.contextvars.bind_contextvars(member=pseudonym(known.member))
    return known


def require_identified_now(known: KnownMember, within: timedelta) -> None:
    """That the session that is presented has just identified this patient: no login of staff does, and no password that
    may have become known with it. Raises ApiError."""
    kind, _, name = known.member.partition(":")
    if kind != "patient":
        raise ApiError(Code.FRESH_PROOF_REQUIRED)
    require_fresh_proof(UUID(name), within)
    if g.asker[0] is not ActorKind.SESSION:
        raise ApiError(Code.FRESH_PROOF_REQUIRED)


def require_known_at_socket() -> KnownMember:
    """The same of a WebSocket's handshake, whose token may come as a sub-protocol: a browser's script can set no other
    header. Cookies are sent along to sockets of any page, so they need a listed `Origin` here, too. Raises ApiError."""
    token = sub_protocol_token()
    if token is not None:
        request.environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    if bearer_token() is None and request.cookies and not is_listed(request.headers.get("Origin")):
        raise ApiError(Code.ORIGIN_NOT_ALLOWED)
    return require_known()


def _find_staff() -> KnownMember | None:
    try:
        caller = find_present_caller()
    except ApiError as exc:
        if exc.code is Code.UNAUTHORIZED:  # no token of the journey's
            return None
        raise
    if caller is None:
        return None
    if not caller.is_staff:  # four digits and a birth date open nothing here
        raise ApiError(Code.UNAUTHORIZED)
    return KnownMember(staff_member(caller.principal_id), login_sid=caller.sid)


def _find_patient() -> KnownMember | None:
    for patient_uuid in _claimed_patients():
        try:
            require_patient(patient_uuid)
        except ApiError as exc:
            if exc.code is not Code.PATIENT_NOT_FOUND:
                raise
        else:
            return KnownMember(patient_member(patient_uuid), patient_session=current_patient_session().id)
    return None


def _claimed_patients() -> list[UUID]:
    """Whose records the shown credentials may open: not proved by this, only asked for."""
    claimed = []
    for location in ("headers", "cookies"):
        claims = verified_claims(location)
        if claims is not None and claims.get("role") == Role.PATIENT:
            claimed.append(UUID(claims["sub"]))
    credential = presented_credential()
    view = stores().directory.read(credential.session_id) if credential is not None else None
    if view is not None and view.patient_uuid is not None:
        claimed.append(UUID(view.patient_uuid))
    return list(dict.fromkeys(claimed))


def for_known(function: Callable[Concatenate[KnownMember, P], R]) -> Callable[P, R]:
    """A view of whoever may take part; it gets who it is. What is no thread's id is nobody's thread."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        known = require_known()
        if not is_thread_id(kwargs.get("thread_id", "A" * 22)):
            raise ThreadNotFound
        return function(known, *args, **kwargs)

    return mark_access(guarded, "thread_member")
