"""Members of a hospital's staff, signed in."""

from uuid import UUID, uuid4

from flask import Flask
from flask_jwt_extended import create_access_token

from models.accounts import AccountKind, AccountRole, Scope
from services.accounts.accounts import add_account
from services.accounts.logins import open_login
from webapp.current import parts


def staff_headers(app: Flask, role: AccountRole = AccountRole.STAFF) -> dict[str, str]:
    """Of somebody new."""
    with parts(app).stores.unit_of_work() as work:
        staff_id = add_account(work.session, AccountKind.STAFF, f"desk-{uuid4().hex}", "김간호", "no hash", role)
        sid = open_login(work.session, AccountKind.STAFF, staff_id, Scope.JOURNEY)
    return bearer_of(app, staff_id, sid, role)


def patient_headers(app: Flask, user_id: UUID) -> dict[str, str]:
    with parts(app).stores.unit_of_work() as work:
        sid = open_login(work.session, "patient", user_id, Scope.JOURNEY)
    return bearer_of(app, user_id, sid, "patient")


def bearer_of(app: Flask, principal_id: UUID, sid: UUID, role: str) -> dict[str, str]:
    claims = {"role": role, "scope": Scope.JOURNEY, "sid": str(sid)}
    with app.app_context():
        return {"Authorization": f"Bearer {create_access_token(str(principal_id), additional_claims=claims)}"}
