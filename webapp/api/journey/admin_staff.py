"""A hospital's staff, as its admins keep them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.accounts import Account, AccountKind, AccountRole
from services.accounts.accounts import (
    AccountExists,
    LastStaffAdmin,
    add_account,
    change_password,
    disable_account,
    enable_account,
    require_another_admin,
)
from services.delivery.unit_of_work import Work
from services.journey.shifts import end_shift_of
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.staff import StaffChangeInput, StaffInput, StaffMemberOutput, StaffMembersOutput
from webapp.auth.journey_callers import JourneyCaller, for_journey_admin
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.offloop import run_off_loop

blueprint = JourneyBlueprint("journey_accounts", __name__, url_prefix="/api/v1/admin/staff", description="Staff")


@blueprint.get("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.response(200, StaffMembersOutput)
@fails(blueprint, 401, 403)
def list_staff(_: JourneyCaller) -> dict[str, Any]:
    """All of the hospital's staff, also who may not sign in any more."""
    with stores().sessions() as session:
        query = select(Account).where(Account.kind == AccountKind.STAFF).order_by(Account.login)
        return {"success": True, "staff": list(session.scalars(query))}


@blueprint.post("/")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(StaffInput, error_status_code=400)
@blueprint.response(201, StaffMemberOutput)
@fails(blueprint, 400, 401, 403, 413, 415)
def add_staff(_: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody new."""
    password_hash, role = _hash(body["password"]), AccountRole(body["role"])
    try:
        with stores().unit_of_work() as work:
            made = add_account(work.session, AccountKind.STAFF, body["login"], body["name"], password_hash, role)
            return {"success": True, "staff": work.session.get_one(Account, made)}
    except AccountExists as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={"login": ["이미 있어요. 다른 것을 써 주세요."]}) from exc


@blueprint.patch("/<uuid:staff_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(StaffChangeInput, error_status_code=400)
@blueprint.response(200, StaffMemberOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415)
def change_staff(_: JourneyCaller, body: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
    """What the body names. Whoever may not sign in any more, or has another password, is out at once; the shift of the
    former ends. The last admin stays one."""
    password_hash = _hash(body["password"]) if "password" in body else None
    with stores().unit_of_work() as work:
        if not body.get("is_active", True):
            end_shift_of(work, staff_id, stores().clock.now())
        _keep_an_admin(work, staff_id, body)
        account = work.session.get(Account, staff_id, with_for_update=True)
        if account is None or account.kind != AccountKind.STAFF:
            raise ApiError(Code.NOT_FOUND)
        account.name, account.role = body.get("name", account.name), body.get("role", account.role)
        if password_hash is not None:
            change_password(work, account, password_hash)
        if "is_active" in body:
            _set_active(work, account, is_active=body["is_active"])
        work.session.flush()
        return {"success": True, "staff": account}


def _keep_an_admin(work: Work, staff_id: UUID, body: dict[str, Any]) -> None:
    """Raises ApiError."""
    if body.get("is_active", True) and body.get("role", AccountRole.ADMIN) == AccountRole.ADMIN:
        return
    try:
        require_another_admin(work.session, staff_id)
    except LastStaffAdmin as exc:
        raise ApiError(Code.LAST_ADMIN) from exc


def _set_active(work: Work, account: Account, *, is_active: bool) -> None:
    if is_active:
        enable_account(account)
    else:
        disable_account(work, account)


def _hash(password: str) -> str:
    return run_off_loop(stores().password_hashes.hash, password)
