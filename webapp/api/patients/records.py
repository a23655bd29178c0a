"""A patient's stored records: checkups, prescriptions, the report; newest first, with an ETag."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from marshmallow import Schema
from sqlalchemy.orm import Session

from models.patients import AccessedWhat, Checkup, MediarcReport, Patient, Prescription, RecordKind
from services.patients.records import (
    BadCursor,
    Cursor,
    RecordPage,
    columns_version,
    list_checkups,
    list_prescriptions,
    newest_report,
    read_collected_at,
    records_version,
)
from webapp.api.documented import SECURITY_PATIENT, fails
from webapp.api.patients.schemas.records import (
    CheckupsOutput,
    IllustratedPrescriptionsOutput,
    PageQuery,
    PrescriptionsOutput,
    ReportOutput,
    TreatmentsQuery,
)
from webapp.auth import for_patient
from webapp.compression import compress, takes_gzip
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.looks import record_look
from webapp.replica_reads import AS_OF, read_replica
from webapp.schema_shape import shape_of

blueprint = Blueprint("patients", __name__, url_prefix="/api/v1/patients", description="Stored records")
_UNCHANGED = "Unchanged since the answer with this ETag."

T = TypeVar("T")
_Model = type[Checkup | Prescription | MediarcReport]


@blueprint.get("/<uuid:patient_uuid>/checkups")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.arguments(PageQuery, location="query", error_status_code=400)
@blueprint.response(200, CheckupsOutput, headers=AS_OF)
@blueprint.alt_response(304, description=_UNCHANGED)
@fails(blueprint, 400, 404)
def checkups(patient_uuid: UUID, query: dict[str, Any]) -> Response:
    """The stored checkups, and whose they are."""
    after = _read_cursor(query["after"])
    with stores().unit_of_work() as work:
        whose = {
            "person": _describe(work.session.get_one(Patient, patient_uuid)),
            "collected_at": read_collected_at(work.session, patient_uuid, RecordKind.CHECKUP),
        }
        version = records_version(work.session, patient_uuid, Checkup)
        shown = query | whose | {"columns": columns_version()}
        etag = _etag(version, patient_uuid, Checkup, CheckupsOutput, shown)
        is_unchanged = _is_unchanged(etag)
        if not is_unchanged:
            read = partial(list_checkups, patient_uuid=patient_uuid, limit=query["limit"], after=after)
            page = _read_version(work.session, version, patient_uuid, Checkup, read)
        record_look(work, patient_uuid, AccessedWhat.CHECKUPS)
    if is_unchanged:
        return _unchanged(etag)
    return _page(CheckupsOutput(), patient_uuid, page, etag, whose)


@blueprint.get("/<uuid:patient_uuid>/prescriptions")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.arguments(TreatmentsQuery, location="query", error_status_code=400)
@blueprint.response(200, PrescriptionsOutput, headers=AS_OF)
@blueprint.alt_response(304, description=_UNCHANGED)
@fails(blueprint, 400, 404)
def prescriptions(patient_uuid: UUID, query: dict[str, Any]) -> Response:
    """The stored treatments and prescriptions, without pictures of drugs unless asked for."""
    after = _read_cursor(query["after"])
    schema = IllustratedPrescriptionsOutput if query["images"] else PrescriptionsOutput
    with stores().unit_of_work() as work:
        version = records_version(work.session, patient_uuid, Prescription)
        etag = _etag(version, patient_uuid, Prescription, schema, query)
        is_unchanged = _is_unchanged(etag)
        if not is_unchanged:
            wanted = {"limit": query["limit"], "after": after, "with_pictures": query["images"]}
            read = partial(list_prescriptions, patient_uuid=patient_uuid, **wanted)
            page = _read_version(work.session, version, patient_uuid, Prescription, read)
        record_look(work, patient_uuid, AccessedWhat.PRESCRIPTIONS)
    if is_unchanged:
        return _unchanged(etag)
    return _page(schema(), patient_uuid, page, etag, {})


@blueprint.get("/<uuid:patient_uuid>/report")
@blueprint.doc(security=SECURITY_PATIENT)
@for_patient
@blueprint.response(200, ReportOutput, headers=AS_OF)
@blueprint.alt_response(304, description=_UNCHANGED)
@fails(blueprint, 404)
def report(patient_uuid: UUID) -> Response:
    """The newest report and whose it is; null when there is none."""
    with stores().unit_of_work() as work:
        person = _describe(work.session.get_one(Patient, patient_uuid))
        version = records_version(work.session, patient_uuid, MediarcReport)
        etag = _etag(version, patient_uuid, MediarcReport, ReportOutput, {"person": person})
        is_unchanged = _is_unchanged(etag)
        if not is_unchanged:
            read = partial(newest_report, patient_uuid=patient_uuid)
            found = _read_version(work.session, version, patient_uuid, MediarcReport, read)
        record_look(work, patient_uuid, AccessedWhat.REPORT)
    if is_unchanged:
        return _unchanged(etag)
    body = {"success": True, "patient_uuid": patient_uuid, "person": person, "report": found}
    return _answer(ReportOutput(), body, etag)


def _read_cursor(text: str | None) -> Cursor | None:
    try:
        return Cursor.decode(text) if text is not None else None
    except BadCursor as exc:
        details = {"after": ["앞선 답의 next 값을 그대로 보내 주세요."]}
        raise ApiError(Code.VALIDATION_FAILED, details=details) from exc


def _read_version(primary: Session, version: str, patient_uuid: UUID, model: _Model, read: Callable[[Session], T]) -> T:
    """Of the replica only where it has these very records: it neither lacks what its person was told of, nor holds what
    was withdrawn or erased."""
    return read_replica(primary, read, lambda replica: records_version(replica, patient_uuid, model) == version)


def _etag(version: str, patient_uuid: UUID, model: _Model, schema: type[Schema], shown: dict[str, Any]) -> str:
    """`shown`: what was asked for, and what the answer says beside the records. The version is read before the records:
    at worst it is older than they are, and the next question is answered in full. What a browser has kept from the
    version before may lack a field that its page now needs."""
    asked = "|".join(f"{name}={shown[name]}" for name in sorted(shown))
    coding = "gzip" if takes_gzip() else "identity"
    text = f"{patient_uuid}|{model.__tablename__}|{version}|{asked}|{coding}|{shape_of(schema)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_unchanged(etag: str) -> bool:
    return request.if_none_match.contains(etag)


def _unchanged(etag: str) -> Response:
    return _keep(Response(status=304), etag)


def _describe(patient: Patient) -> dict[str, Any]:
    return {"name": patient.name, "birthdate": patient.birth_date, "gender": patient.gender}


def _page(schema: Schema, patient_uuid: UUID, page: RecordPage[Any], etag: str, whose: dict[str, Any]) -> Response:
    following = page.next_cursor.encode() if page.next_cursor else None
    more = {"next": following} if following else {}
    body = {"success": True, "patient_uuid": patient_uuid, **whose, "items": page.items, "next_after": following}
    return _answer(schema, body | more, etag)


def _answer(schema: Schema, body: dict[str, Any], etag: str) -> Response:
    return _keep(compress(jsonify(schema.dump(body))), etag)


def _keep(response: Response, etag: str) -> Response:
    """The person's own browser may keep it, and asks each time whether it still may show it."""
    response.set_etag(etag)
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "private, no-cache"
    return response
