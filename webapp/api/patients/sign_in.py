"""Signing in without a link: name, birth date, phone and password, for who comes back."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core.logs import get_logger
from models.patients import Patient
from services.patients.identification import find_claimed
from services.patients.identity import normalize_name, normalize_phone
from webapp.api.documented import fails
from webapp.api.patients.passwords import counted_try, knock, opened, token_moment
from webapp.api.patients.schemas.passwords import SignedInOutput, SignInInput
from webapp.auth import mark_access
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym
from webapp.origins import refuse_foreign_origin

log = get_logger(__name__)
blueprint = Blueprint("patient_sign_in", __name__, url_prefix="/api/v1/patients", description="Signing in")


@blueprint.post("/sign-in")
@blueprint.arguments(SignInInput, error_status_code=400)
@blueprint.response(200, SignedInOutput)
@fails(blueprint, 400, 401, 403, 413, 415, 429)
def sign_in(body: dict[str, Any]) -> Response:
    """Open the records of whoever these are, as `verify` does. Whatever does not fit is answered alike, and takes as
    long: nobody learns who is a patient here."""
    refuse_foreign_origin()
    issued_at = token_moment()
    patient_uuid = require_claimed(body)
    with stores().sessions() as session:
        hospital_id = session.get_one(Patient, patient_uuid).hospital_id
    more = {"patient_uuid": patient_uuid, "hospital_id": hospital_id}
    return opened(patient_uuid, issued_at, "확인됐어요.", more)


mark_access(sign_in, "public")


def require_claimed(body: dict[str, Any]) -> UUID:
    """The patient whom name, birth date, phone and password fit together. Raises ApiError, which says no more.

    Also guesses at nobody are limited, whatever address they come from and however they are written: else the limit
    would tell who is a patient.
    """
    name, phone = normalize_name(body["user_name"]), normalize_phone(body["phone_no"])
    claimed = pseudonym("\x1f".join((name, str(body["birthdate"]), phone)))
    with counted_try("password-claimed", claimed):
        with stores().sessions() as session:
            patient_uuid = find_claimed(session, body["user_name"], body["birthdate"], body["phone_no"])
        if not knock(patient_uuid, body["password"]) or patient_uuid is None:
            log.info("sign_in_failed", kind="patient", login=claimed)
            raise ApiError(Code.LOGIN_FAILED)
    return patient_uuid
