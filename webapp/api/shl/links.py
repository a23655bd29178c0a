"""A patient's own SMART Health Links: making, replacing files, ending, and who came."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from models.patients import AccessedWhat
from models.shl import HealthLink
from services.shl.files import EncryptedFile
from services.shl.links import MAX_TRIES, NewLink, OwnLink, end_link, list_links, make_link, replace_files
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.shl.schemas.links import (
    FILES_BODY_MAX_BYTES,
    FilesInput,
    MadeLinkOutput,
    MakeLinkInput,
    OwnLinksOutput,
    ReplacedFilesOutput,
)
from webapp.auth.own_patient import for_own_patient
from webapp.bodies import takes_json
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import count_use
from webapp.looks import record_look
from webapp.offloop import run_off_loop

blueprint = Blueprint("shl", __name__, url_prefix="/api/shl", description="SMART Health Links of a patient")
# The specification's, so that a QR code stays legible.
_URL_MAX = 128
_ACTION = "shl-make"


@blueprint.post("")
@blueprint.doc(security=SECURITY_PATIENT)
@takes_json(FILES_BODY_MAX_BYTES)
@for_own_patient
@blueprint.arguments(MakeLinkInput, error_status_code=400)
@blueprint.response(201, MadeLinkOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def make(patient_uuid: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Of files that were encrypted before. The key goes into the link, and never here."""
    here = stores()
    count_use(here.settings.shl.make_limit, _ACTION, str(patient_uuid))
    if len(url_of("A" * 43)) > _URL_MAX:
        raise ApiError(Code.VALIDATION_FAILED, details={"url": ["서버의 주소가 너무 길어요."]})
    passcode = body["passcode"]
    new = NewLink(
        files=_read_files(body),
        label=body["label"] or None,
        expires_at=None if body["exp"] is None else datetime.fromtimestamp(body["exp"], UTC),
        is_long_term=body["longTerm"],
        passcode_hash=None if passcode is None else run_off_loop(here.password_hashes.hash, passcode),
    )
    with here.unit_of_work() as work:
        link = make_link(work.session, patient_uuid, new, here.clock.now(), here.settings.shl.links_max)
        record_look(work, patient_uuid, AccessedWhat.SHARE)
    return {"success": True, "id": link.id, "url": url_of(link.id)}


@blueprint.put("/<string:link_id>/files")
@blueprint.doc(security=SECURITY_PATIENT)
@takes_json(FILES_BODY_MAX_BYTES)
@for_own_patient
@blueprint.arguments(FilesInput, error_status_code=400)
@blueprint.response(200, ReplacedFilesOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415, 429)
def replace(patient_uuid: UUID, body: dict[str, Any], link_id: str) -> dict[str, Any]:
    """All of an active link, under the same key and new nonces. Locations of the old ones end."""
    here = stores()
    count_use(here.settings.shl.make_limit, _ACTION, str(patient_uuid))
    with here.unit_of_work() as work:
        replace_files(work.session, patient_uuid, link_id, _read_files(body), here.clock.now())
        record_look(work, patient_uuid, AccessedWhat.SHARE)
    return {"success": True}


@blueprint.delete("/<string:link_id>")
@blueprint.doc(security=SECURITY_PATIENT)
@for_own_patient
@blueprint.response(204)
@fails(blueprint, 401, 403, 404)
def end(patient_uuid: UUID, link_id: str) -> Response:
    """Its files are gone at once; that it was there, and who came, is shown for `WELNO_SHL_KEEP_DAYS`."""
    with stores().unit_of_work() as work:
        end_link(work.session, patient_uuid, link_id, stores().clock.now())
        record_look(work, patient_uuid, AccessedWhat.SHARE)
    return Response(status=204)


@blueprint.get("")
@blueprint.doc(security=SECURITY_PATIENT)
@for_own_patient
@blueprint.response(200, OwnLinksOutput)
@fails(blueprint, 401, 403)
def show(patient_uuid: UUID) -> dict[str, Any]:
    """Newest first, with who fetched them when: all that are active, and the newest 200 of those that have ended."""
    now = stores().clock.now()
    with stores().sessions() as session:
        links = list_links(session, patient_uuid, now)
    return {"success": True, "links": [_describe(one, now) for one in links]}


def url_of(link_id: str) -> str:
    """Where the link is opened: at the address by which this was asked."""
    return f"{request.host_url.rstrip('/')}/api/shl/{link_id}"


def _read_files(body: Mapping[str, Any]) -> list[EncryptedFile]:
    return [EncryptedFile(one["contentType"], one["jwe"]) for one in body["files"]]


def _describe(own: OwnLink, now: datetime) -> dict[str, Any]:
    link = own.link
    remaining = None if link.passcode_hash is None else max(0, MAX_TRIES - link.wrong_tries)
    return {
        "id": link.id,
        "url": url_of(link.id),
        "label": link.label,
        "state": _state_of(link, now),
        "longTerm": link.is_long_term,
        "hasPasscode": link.passcode_hash is not None,
        "remainingAttempts": remaining,
        "createdAt": link.created_at,
        "exp": None if link.expires_at is None else int(link.expires_at.timestamp()),
        "files": [
            {"contentType": one.content_type, "length": one.length, "lastUpdated": one.updated_at} for one in own.files
        ],
        "fetches": [
            {"at": one.at, "what": one.kind, "recipient": one.recipient, "network": one.network} for one in own.fetches
        ],
    }


def _state_of(link: HealthLink, now: datetime) -> str:
    if link.revoked_at is not None:
        return "revoked"
    if link.expires_at is not None and link.expires_at <= now:
        return "expired"
    return "active" if link.locked_at is None else "locked"
