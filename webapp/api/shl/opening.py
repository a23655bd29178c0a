"""Opening SMART Health Links: for anybody who has one, from any site, as the specification wants it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from core.addresses import shorten_address
from core.moments import write_moment
from models.patients import AccessedWhat, ActorKind
from services.delivery.unit_of_work import Work
from services.patients.access_log import Look
from services.shl.errors import TriesUnderWay, WrongPasscode
from services.shl.files import ContentType
from services.shl.opening import (
    GivenFile,
    LinkRecipient,
    PasscodeCheck,
    give_manifest,
    name_for_log,
    take_direct,
    take_location,
)
from webapp.api.documented import fails
from webapp.api.shl.schemas.opening import DirectFileQuery, ManifestInput, ManifestOutput, WrongPasscodeBody
from webapp.bodies import takes_json
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import reply
from webapp.limits import count_use
from webapp.looks import actor_here
from webapp.offloop import run_off_loop
from webapp.previews import refuse_head

blueprint = Blueprint("shl_opening", __name__, url_prefix="/api/shl", description="Opening SMART Health Links")
_JOSE = "application/jose"
_BODY_MAX_BYTES = 8 * 1024
_ACTION = "shl-fetch"
_FHIR_VERSION = "4.0.1"
_TRY_AGAIN_SECONDS = 1


@blueprint.after_request
def share_with_everybody(response: Response) -> Response:
    """No cookie opens anything here, so any site's page may read the answers; a listed one is told so by its name."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


@blueprint.post("/<string:link_id>")
@takes_json(_BODY_MAX_BYTES)
@blueprint.arguments(ManifestInput, error_status_code=400)
@blueprint.response(200, ManifestOutput)
@blueprint.alt_response(401, schema=WrongPasscodeBody, description="The passcode is wrong, or missing.")
@fails(blueprint, 400, 404, 413, 415, 429)
def show_manifest(body: dict[str, Any], link_id: str) -> dict[str, Any]:
    """The files, embedded where they are short enough, else at locations that open once."""
    here = stores()
    count_use(here.settings.shl.fetch_limit, _ACTION, name_for_log(link_id))
    recipient = _recipient(body["recipient"])
    check = PasscodeCheck(here.unit_of_work, here.clock, here.password_hashes, run_off_loop)
    check.require(link_id, body["passcode"], recipient)
    with here.unit_of_work() as work:
        holds = timedelta(seconds=here.settings.shl.location_seconds)
        link, files = give_manifest(
            work.session,
            link_id,
            recipient,
            here.clock.now(),
            embedded_max=body["embeddedLengthMax"],
            location_holds=holds,
        )
        _record(work, link.patient_uuid, link.id)
    return {"files": [_describe(one) for one in files]}


@blueprint.get("/<string:link_id>")
@blueprint.arguments(DirectFileQuery, location="query", error_status_code=400)
@blueprint.response(200, {"type": "string"}, content_type=_JOSE)
@fails(blueprint, 400, 404, 429)
def show_file(query: dict[str, str], link_id: str) -> Response:
    """The one file itself, of a link with the flag `U`; never of one with a passcode."""
    here = stores()
    refuse_head()
    count_use(here.settings.shl.fetch_limit, _ACTION, name_for_log(link_id))
    with here.unit_of_work() as work:
        taken = take_direct(work.session, link_id, _recipient(query["recipient"]), here.clock.now())
        _record(work, taken.patient_uuid, taken.link_id)
    return Response(taken.jwe, mimetype=_JOSE)


@blueprint.get("/locations/<string:token>")
@blueprint.response(200, {"type": "string"}, content_type=_JOSE)
@fails(blueprint, 404)
def take_file(token: str) -> Response:
    """For the first who comes; afterwards the manifest tells a new location."""
    here = stores()
    refuse_head()
    with here.unit_of_work() as work:
        taken = take_location(work.session, token, shorten_address(request.remote_addr), here.clock.now())
        _record(work, taken.patient_uuid, taken.link_id)
    return Response(taken.jwe, mimetype=_JOSE)


@blueprint.errorhandler(WrongPasscode)
def answer_wrong_passcode(error: WrongPasscode) -> Response:
    """`remainingAttempts` stands where the specification wants it."""
    response = reply(Code.PASSCODE_WRONG, details=dict(error.details or {}))
    told = jsonify({**response.get_json(), "remainingAttempts": error.remaining})
    response.set_data(told.get_data())
    return response


@blueprint.errorhandler(TriesUnderWay)
def answer_tries_under_way(_: TriesUnderWay) -> Response:
    return reply(Code.RATE_LIMITED, retry_after_seconds=_TRY_AGAIN_SECONDS)


def _recipient(name: str) -> LinkRecipient:
    return LinkRecipient(name, shorten_address(request.remote_addr))


def _record(work: Work, patient_uuid: UUID, link_id: str) -> None:
    actor = actor_here(ActorKind.RECIPIENT, name_for_log(link_id))
    look = Look(actor, AccessedWhat.SHARED, patient_uuid)
    work.session.flush()
    stores().access_log.record(work.session, look, stores().clock.now())


def _describe(file: GivenFile) -> dict[str, Any]:
    told: dict[str, Any] = {
        "contentType": file.content_type,
        "lastUpdated": write_moment(file.updated_at),
        "status": "can-change",
    }
    if file.content_type == ContentType.FHIR:
        told["fhirVersion"] = _FHIR_VERSION
    if file.token is not None:
        return told | {"location": f"{request.host_url.rstrip('/')}/api/shl/locations/{file.token}"}
    return told | {"embedded": file.embedded}
