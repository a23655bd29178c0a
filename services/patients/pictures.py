"""Pictures of drugs, kept apart from the details that they belong to: most of an answer's bytes, rarely looked at."""

from collections.abc import Sequence
from typing import Any

DETAILS = "RetrieveTreatmentInjectionInformationPersonDetailList"
_DRUG, _PICTURE = "RetrieveMdsupDtlInfo", "DrugImage"


def detach_pictures(served: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """A treatment's own fields, its details without pictures, and the pictures by place among the details.

    Each value of the row is in one of them. Details that are no objects stay with the row's own fields.
    """
    listed = served.get(DETAILS)
    if not isinstance(listed, list):
        return served, [], {}
    details: list[dict[str, Any]] = [detail for detail in listed if isinstance(detail, dict)]
    if not details:
        return served, [], {}
    own = {name: value for name, value in served.items() if name != DETAILS}
    if odd := [detail for detail in listed if not isinstance(detail, dict)]:
        own[DETAILS] = odd
    pictures: dict[str, Any] = {}
    for place, detail in enumerate(details):
        drug = detail.get(_DRUG)
        if isinstance(drug, dict) and drug.get(_PICTURE):
            pictures[str(place)] = drug[_PICTURE]
            details[place] = detail | {_DRUG: {name: value for name, value in drug.items() if name != _PICTURE}}
    return own, details, pictures


def attach_pictures(details: Sequence[dict[str, Any]], pictures: dict[str, Any]) -> list[dict[str, Any]]:
    """The details as they were served."""
    return [
        detail | {_DRUG: detail[_DRUG] | {_PICTURE: pictures[str(place)]}} if str(place) in pictures else detail
        for place, detail in enumerate(details)
    ]


def as_served(raw_data: dict[str, Any], details: Sequence[dict[str, Any]], pictures: dict[str, Any]) -> dict[str, Any]:
    """A treatment's row as the provider gave it, but for details that were no objects."""
    return raw_data | {DETAILS: attach_pictures(details, pictures)} if details else raw_data
