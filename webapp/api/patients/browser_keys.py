"""The key under which a browser keeps a person's records: given to a live session, and to nobody after it."""

import base64
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from services.patients.browser_keys import derive_browser_key
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.patients.schemas.browser_keys import BrowserKeyOutput
from webapp.auth import admitted_token, for_patient
from webapp.current import stores

blueprint = Blueprint("browser_keys", __name__, url_prefix="/api/v1/patients", description="What a browser keeps")


@blueprint.get("/<uuid:patient_uuid>/browser-key")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(200, BrowserKeyOutput)
@fails(blueprint, 404)
def show_key(patient_uuid: UUID) -> dict[str, Any]:
    """The key of this session for this person's records; another session gets another, which opens nothing of this one.

    Keep it in memory alone. When the session has ended it cannot be had again, and what it sealed stays shut.
    """
    key = derive_browser_key(stores().settings.secrets.pseudonym_key, admitted_token(), patient_uuid)
    return {"success": True, "patient_uuid": patient_uuid, "key": base64.b64encode(key).decode()}
