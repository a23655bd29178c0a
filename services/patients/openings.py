"""What a person is told when they open their records: who else did since the last time, when, from where, with what
device. The API calls such a time a visit; in the code that is a journey's alone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.sealing import Sealer
from models.patients import AccessedWhat, ActorKind, OpenedBy, PatientSession
from services.patients.access_log import AccessLog, ShownLook
from services.patients.session_rows import Visitor, find_recent, open_visitor

# As long as the rows of sessions are kept. What is older stands in the access log.
_LOOKS_BACK = timedelta(days=30)
_MOST_LOOKS, _MOST_OPENINGS = 500, 20


@dataclass(frozen=True, repr=False)
class Opening:
    """All looks of one session, link or member of staff."""

    first_at: datetime
    last_at: datetime
    actor_kind: ActorKind
    what: Collection[AccessedWhat]
    address: str | None
    device: str | None


def find_openings(
    session: Session, log: AccessLog, sealer: Sealer, current: PatientSession, now: datetime
) -> list[Opening]:
    """By others since this person's last session, the newest first.

    The last session is the newest one before of the same browser, by the number that it alone has: an address and a
    device's name are those of everybody in the same waiting room. Without one, everything of the last month is told.
    """
    patient_uuid, earliest = _require(current.patient_uuid), now - _LOOKS_BACK
    visitors = {row: open_visitor(row, sealer) for row in find_recent(session, patient_uuid, earliest)}
    mine = [row for row in visitors if row.id == current.id or _is_same_browser(row, current, sealer)]
    before = [row.last_seen_at for row in mine if row.created_at < current.created_at]
    actors = {_actor_of(log, row): visitor for row, visitor in visitors.items()}
    looks = log.list_looks_by_others(
        session,
        patient_uuid,
        since=max(before, default=earliest),
        own={_actor_of(log, row) for row in (*mine, current)},
        limit=_MOST_LOOKS,
    )
    by_actor: dict[str, list[ShownLook]] = {}
    for look in looks:
        by_actor.setdefault(look.actor, []).append(look)
    openings = [_opening(found, actors.get(actor, Visitor())) for actor, found in by_actor.items()]
    return openings[:_MOST_OPENINGS]


def _opening(looks: list[ShownLook], visitor: Visitor) -> Opening:
    newest = looks[0]
    return Opening(
        first_at=looks[-1].at,
        last_at=newest.at,
        actor_kind=newest.actor_kind,
        what=sorted({look.what for look in looks}),
        address=newest.address,
        device=visitor.device,
    )


def _is_same_browser(row: PatientSession, current: PatientSession, sealer: Sealer) -> bool:
    if row.browser_hash is not None and current.browser_hash is not None:
        return row.browser_hash == current.browser_hash
    # Of a release in which browsers had no numbers, before this one or beside it: as near as it could tell them apart.
    one, other = open_visitor(row, sealer), open_visitor(current, sealer)
    return one == other and one.address is not None and one.device is not None


def _actor_of(log: AccessLog, row: PatientSession) -> str:
    if row.opened_by == OpenedBy.PASSWORD:
        return log.actor_of(ActorKind.PASSWORD, str(row.id))
    return log.actor_of(ActorKind.SESSION, str(row.session_id))


def _require(patient_uuid: UUID | None) -> UUID:
    if patient_uuid is None:
        raise AssertionError("who has records open is known")
    return patient_uuid
