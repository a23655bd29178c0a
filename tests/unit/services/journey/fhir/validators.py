"""Three independent judges of what we call FHIR: npm's `fhir`, `fhir.resources` for R4B, the standard's invariants."""

import json
import subprocess
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from fhirpathpy import evaluate

from dev.local.programs import ROOT

SCRIPT = Path(__file__).with_name("validate.mjs")
# As the standard writes them.
INVARIANTS = {
    "Appointment": {
        "app-1": "participant.all(type.exists() or actor.exists())",
        "app-2": "start.exists() = end.exists()",
        "app-3": "(start.exists() and end.exists()) or (status in ('proposed' | 'cancelled' | 'waitlist'))",
        "app-4": "cancelationReason.exists() implies (status = 'no-show' or status = 'cancelled')",
    },
    "Encounter": {
        "per-1": "period.all(start.exists().not() or end.exists().not() or start <= end)",
        "per-1 of the history": "statusHistory.period.all(start.exists().not() or end.exists().not() or start <= end)",
        "per-1 of locations": "location.period.all(start.exists().not() or end.exists().not() or start <= end)",
    },
    "Task": {
        "inv-1": "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn",
        "per-1": "executionPeriod.all(start.exists().not() or end.exists().not() or start <= end)",
    },
    "Location": {},
    "Bundle": {
        "bdl-1": "total.empty() or (type = 'searchset') or (type = 'history')",
        "bdl-2": "entry.search.empty() or (type = 'searchset')",
        "bdl-7": "(type = 'history') or entry.where(fullUrl.exists()).select(fullUrl).isDistinct()",
        "bdl-8": "entry.all(fullUrl.contains('/_history/').not())",
        "bdl-9": "type = 'document' implies (identifier.system.exists() and identifier.value.exists())",
        "bdl-10": "type = 'document' implies timestamp.exists()",
        "bdl-11": "type = 'document' implies entry.first().resource.resourceType = 'Composition'",
        "cmp-1": "entry.resource.section.all(text.exists() or entry.exists() or section.exists())",
        "cmp-2": "entry.resource.section.all(emptyReason.empty() or entry.empty())",
        "obs-6": "entry.resource.all(dataAbsentReason.empty() or value.empty())",
    },
    "DocumentReference": {"att-1": "content.attachment.all(data.empty() or contentType.exists())"},
    "OperationOutcome": {},
    "CapabilityStatement": {
        "cpb-1": "rest.exists() or messaging.exists() or document.exists()",
        "cpb-2": "description.count() + software.count() + implementation.count() > 0",
        "cpb-9": "rest.resource.select(type).isDistinct()",
        "cpb-12": "rest.resource.all(searchParam.select(name).isDistinct())",
        "cpb-15": "kind != 'instance' or implementation.exists()",
    },
}


def find_faults(resources: Sequence[dict[str, Any]]) -> list[str]:
    """All that any of them says; empty when each is valid."""
    plain = json.loads(json.dumps(resources))
    return [*_by_npm(plain), *(fault for one in plain for fault in [*_by_pydantic(one), *_by_fhirpath(one)])]


def _by_npm(resources: list[Any]) -> list[str]:
    command = [ROOT / "dev" / "scripts" / "with-node", "node", SCRIPT]
    given = json.dumps(resources)
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def _by_pydantic(resource: dict[str, Any]) -> list[str]:
    kind = resource["resourceType"]
    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    try:
        model.model_validate(resource)
    except ValueError as exc:
        return [f"{kind}: {exc}"]
    return []


def _by_fhirpath(resource: dict[str, Any]) -> list[str]:
    kind = resource["resourceType"]
    return [
        f"{kind}: {name}" for name, expression in INVARIANTS[kind].items() if evaluate(resource, expression) != [True]
    ]
