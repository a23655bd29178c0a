"""What is exported of a patient's SMART Health Links: which there were, and who came. Files open by their keys only."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.shl import HealthLink, HealthLinkFetch
from services.patients.exports import Exporter, Rows

_LINK = ("label", "is_long_term", "created_at", "expires_at", "revoked_at")
_FETCH = ("kind", "recipient", "network", "at")


def _read(session: Session, patient_uuid: UUID) -> Mapping[str, Rows]:
    links = select(*(HealthLink.__table__.c[name] for name in _LINK)).where(HealthLink.patient_uuid == patient_uuid)
    theirs = select(HealthLink.id).where(HealthLink.patient_uuid == patient_uuid)
    fetches = select(*(HealthLinkFetch.__table__.c[name] for name in _FETCH))
    return {
        "health_links": _rows(session, links),
        "health_link_fetches": _rows(session, fetches.where(HealthLinkFetch.link_id.in_(theirs))),
    }


def _rows(session: Session, query: Select[*tuple[object, ...]]) -> Rows:
    return [dict(row) for row in session.execute(query).mappings()]


HEALTH_LINKS_EXPORTER = Exporter(frozenset({HealthLink.__tablename__, HealthLinkFetch.__tablename__}), _read)
