"""Who asks, by what they hold: a session, a password's token, a login, a display's key, a push pass; or a stranger."""

from webapp.auth.access import mark_access
from webapp.auth.credentials import (
    TOKEN_PROTOCOL,
    Credential,
    is_same_session,
    join_token,
    presented_credential,
    session_cookie_name,
)
from webapp.auth.operations import (
    for_auditor,
    for_operations,
    for_operator,
    for_operator_login,
    require_account,
    require_operations,
)
from webapp.auth.patient import (
    admitted_token,
    current_openings,
    current_patient_session,
    enter_records,
    for_identifying_session,
    for_patient,
    has_identified,
    is_at_anothers_browser,
    open_records,
    own_session,
    require_fresh_proof,
    require_patient,
)
from webapp.auth.session import (
    drop_session_cookie,
    for_own_session,
    for_session,
    keep_session_cookie,
    renew_session,
    require_session,
)
from webapp.auth.sign_out import drop_cookies, drop_patient_cookie, end_presented, forget_kept
from webapp.auth.tokens import Role, refuse_revoked, take_back

__all__ = [
    "TOKEN_PROTOCOL",
    "Credential",
    "Role",
    "admitted_token",
    "current_openings",
    "current_patient_session",
    "drop_cookies",
    "drop_patient_cookie",
    "drop_session_cookie",
    "end_presented",
    "enter_records",
    "for_auditor",
    "for_identifying_session",
    "for_operations",
    "for_operator",
    "for_operator_login",
    "for_own_session",
    "for_patient",
    "for_session",
    "forget_kept",
    "has_identified",
    "is_at_anothers_browser",
    "is_same_session",
    "join_token",
    "keep_session_cookie",
    "mark_access",
    "open_records",
    "own_session",
    "presented_credential",
    "refuse_revoked",
    "renew_session",
    "require_account",
    "require_fresh_proof",
    "require_operations",
    "require_patient",
    "require_session",
    "session_cookie_name",
    "take_back",
]
