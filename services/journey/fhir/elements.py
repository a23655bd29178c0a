"""Data types of FHIR R4 that several resources have: references, codings, periods, moments."""

from datetime import UTC, datetime
from typing import Any

Resource = dict[str, Any]

ERROR_SYSTEM = "urn:welno:error-code"
QUEUE_STATE_SYSTEM = "urn:welno:queue-state"


def instant(moment: datetime) -> str:
    """With milliseconds and offset, as `instant` wants it; a dateTime may be written the same."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def period(start: datetime | None, end: datetime | None) -> Resource:
    found = {"start": start, "end": end}
    return {name: instant(moment) for name, moment in found.items() if moment is not None}


def reference(kind: str, key: object, display: str | None = None) -> Resource:
    found = {"reference": f"{kind}/{key}", "type": kind}
    return found | ({"display": display} if display else {})


def concept(text: str, system: str | None = None, code: str | None = None) -> Resource:
    coding = {"coding": [{"system": system, "code": code, "display": text}]} if code else {}
    return {**coding, "text": text}


def resource(kind: str, key: object, updated_at: datetime | None, profile: str | None = None) -> Resource:
    """The head of a resource."""
    meta: Resource = {}
    if updated_at is not None:
        meta["lastUpdated"] = instant(updated_at)
    if profile is not None:
        meta["profile"] = [profile]
    return {"resourceType": kind, "id": str(key), **({"meta": meta} if meta else {})}
