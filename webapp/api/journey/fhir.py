"""FHIR R4 of the journey, to be read: patients their own, staff everybody's."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from flask import Response, request

from services.journey.fhir.dates import DateBound, UnreadableDate, read_date
from services.journey.fhir.documents import (
    MEDIA_TYPE,
    RESOURCE_KINDS,
    capability_statement,
    operation_outcome,
    searchset,
)
from services.journey.fhir.elements import Resource
from services.journey.fhir.search import FhirSearch, find_owner, find_resource, next_page, search_resources
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.fhir import FhirQuery
from webapp.api.journey.schemas.words import ReasonQuery
from webapp.api.journey.shown_people import note_shown, show_person
from webapp.auth.journey_callers import JourneyCaller, for_journey
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError

PREFIX = "/api/v1/fhir"
blueprint = JourneyBlueprint("journey_fhir", __name__, url_prefix=PREFIX, description="FHIR R4, read only")
_ANSWER = {"responses": {200: {"description": "A resource.", "content": {MEDIA_TYPE: {}}}}}
_OUTCOME: dict[str, Any] = {"schema": {"type": "object"}, "content_type": MEDIA_TYPE}


@blueprint.get("/metadata")
@blueprint.doc(security=SECURITY_STAFF, **_ANSWER)
@for_journey
@fails(blueprint, 401, 403, **_OUTCOME)
def show_capabilities(_: JourneyCaller) -> Response:
    """What this server serves."""
    return _answer(capability_statement(_address(), stores().clock.now()))


@blueprint.get("/<string:kind>")
@blueprint.doc(security=SECURITY_STAFF, **_ANSWER)
@for_journey
@blueprint.arguments(FhirQuery, location="query", error_status_code=400)
@fails(blueprint, 400, 401, 403, 404, **_OUTCOME)
def search(caller: JourneyCaller, query: dict[str, Any], kind: str) -> Response:
    """A page of Appointment, Encounter, Task or Location."""
    if kind not in RESOURCE_KINDS:
        raise ApiError(Code.NOT_FOUND)
    wanted = FhirSearch(
        user_id=_whose(caller, query["patient"]),
        dates=_dates("date", query["date"]),
        updated=_dates("_lastUpdated", query["updated"]),
        count=query["count"],
        offset=query["offset"],
    )
    if kind == "Location" and (query["patient"] or wanted.dates or wanted.updated):
        raise ApiError(Code.VALIDATION_FAILED, details={"patient": ["장소는 사람이나 날짜로 찾을 수 없어요."]})
    with stores().unit_of_work.reading() as work:
        page = search_resources(work.session, kind, wanted)
    if kind != "Location":
        what, count, whose = f"fhir/{kind}", len(page.resources), wanted.user_id
        if whose is None:
            note_shown(caller, what, count)
        else:
            show_person(caller, what, whose, query["reason"], asked_about=whose, count=count)
    links = {"self": request.url}
    if (following := next_page(wanted, page.total)) is not None:
        others = [pair for pair in request.args.items(multi=True) if pair[0] != "_offset"]
        links["next"] = f"{request.base_url}?{urlencode([*others, ('_offset', str(following.offset))])}"
    return _answer(searchset(_address(), page.resources, page.total, links))


@blueprint.get("/<string:kind>/<string:key>")
@blueprint.doc(security=SECURITY_STAFF, **_ANSWER)
@for_journey
@blueprint.arguments(ReasonQuery, location="query", error_status_code=400)
@fails(blueprint, 400, 401, 403, 404, **_OUTCOME)
def show_resource(caller: JourneyCaller, query: dict[str, Any], kind: str, key: str) -> Response:
    """One resource; another's looks like none."""
    with stores().unit_of_work.reading() as work:
        found = find_resource(work.session, kind, key, _whose(caller, None)) if kind in RESOURCE_KINDS else None
        owner = find_owner(work.session, kind, key) if found is not None else None
    if found is None:
        raise ApiError(Code.NOT_FOUND)
    if owner is not None:
        show_person(caller, f"fhir/{kind}", owner, query["reason"], asked_about=key)
    return _answer(found)


@blueprint.after_app_request
def tell_errors_in_fhir(response: Response) -> Response:
    """Here alone an error is an OperationOutcome, whoever has refused."""
    body = response.get_json(silent=True) if request.path.startswith(f"{PREFIX}/") and response.is_json else None
    if not isinstance(body, dict) or "error" not in body:
        return response
    error = body["error"]
    details = error.get("details")
    diagnostics = orjson.dumps(details).decode() if details else None
    outcome = operation_outcome(response.status_code, error["code"], error["message"], diagnostics)
    response.set_data(orjson.dumps(outcome))
    response.content_type = MEDIA_TYPE
    return response


def _whose(caller: JourneyCaller, patient: str | None) -> UUID | None:
    """None for everybody's. Raises ApiError: patients ask for nobody else."""
    named = None if patient is None else _read_patient(patient)
    if caller.is_staff:
        return named
    if named not in {None, caller.principal_id}:
        raise ApiError(Code.FORBIDDEN)
    return caller.principal_id


def _read_patient(patient: str) -> UUID:
    try:
        return UUID(patient.removeprefix("Patient/"))
    except ValueError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={"patient": ["누구인지 확인해 주세요."]}) from exc


def _dates(name: str, written: list[str]) -> list[DateBound]:
    zone = stores().settings.journey.time_zone
    try:
        return [read_date(one, zone) for one in written]
    except UnreadableDate as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={name: ["날짜를 확인해 주세요. 예: ge2026-11-26"]}) from exc


def _address() -> str:
    return f"{request.host_url.rstrip('/')}{PREFIX}"


def _answer(resource: Resource) -> Response:
    return Response(orjson.dumps(resource), content_type=MEDIA_TYPE)
