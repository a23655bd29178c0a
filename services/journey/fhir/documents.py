"""What surrounds the resources: a page of a search, an error, what this server can do."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.journey.fhir.elements import ERROR_SYSTEM, Resource, concept, instant

RESOURCE_KINDS = ("Appointment", "Encounter", "Task", "Location")
MEDIA_TYPE = "application/fhir+json"
USUAL_PER_PAGE, MOST_PER_PAGE = 50, 200
_DATE_SEARCH = {
    "Appointment": "When it is to begin",
    "Encounter": "When it began",
    "Task": "When the person joined the line",
}
_ISSUE_OF_STATUS: Mapping[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    429: "throttled",
    503: "transient",
}


def searchset(address: str, found: Sequence[Resource], total: int, links: Mapping[str, str]) -> Resource:
    """`address` is that of the base, without a slash at its end; `links` has `self`, and `next` where more follow."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": relation, "url": url} for relation, url in links.items()],
        **({"entry": [_entry(address, one) for one in found]} if found else {}),
    }


def operation_outcome(status: int, code: str, message: str, diagnostics: str | None = None) -> Resource:
    issue: Resource = {
        "severity": "error",
        "code": _ISSUE_OF_STATUS.get(status, "exception"),
        "details": concept(message, ERROR_SYSTEM, code),
    }
    return {
        "resourceType": "OperationOutcome",
        "issue": [issue | ({"diagnostics": diagnostics} if diagnostics else {})],
    }


def capability_statement(address: str, at: datetime) -> Resource:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(at),
        "kind": "instance",
        "implementation": {"description": "welno: the patient's journey, read only", "url": address},
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE],
        "rest": [{"mode": "server", "resource": [_served(kind) for kind in RESOURCE_KINDS]}],
    }


def _entry(address: str, found: Resource) -> Resource:
    full_url = f"{address}/{found['resourceType']}/{found['id']}"
    return {"fullUrl": full_url, "resource": found, "search": {"mode": "match"}}


def _served(kind: str) -> Resource:
    found: Resource = {"type": kind, "interaction": [{"code": "read"}, {"code": "search-type"}]}
    if kind in _DATE_SEARCH:
        found["searchParam"] = [
            {"name": "patient", "type": "reference"},
            {"name": "date", "type": "date", "documentation": _DATE_SEARCH[kind]},
            {"name": "_lastUpdated", "type": "date"},
        ]
    return found
