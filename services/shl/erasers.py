"""What is erased of a patient's SMART Health Links: all; they are inactive from the erasure's start on."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete

from models.shl import HealthLink, HealthLinkFetch, HealthLinkFile, HealthLinkLocation
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, RowEraser


def _erase_links(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    """Files, locations and who came go with their link, by the database."""
    theirs = delete(HealthLink).where(HealthLink.patient_uuid == person.patient_uuid)
    return {"health_links": work.session.connection().execute(theirs).rowcount}


_TABLES = frozenset(model.__tablename__ for model in (HealthLink, HealthLinkFile, HealthLinkLocation, HealthLinkFetch))
HEALTH_LINKS_ERASER = RowEraser("health_links", _TABLES, _erase_links)
