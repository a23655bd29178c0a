"""Which key sealed what a run's row keeps, and sealing it anew, so that an older key can be removed."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.logs import get_logger
from core.names import session_subject
from core.sealing import Sealer, SealError
from models.collection import CollectionRun, RunState
from services.delivery.unit_of_work import Work

log = get_logger(__name__)

_NOT_SEALED = "not sealed"
# A column, and what its seal is bound to. See `start_session`.
_SEALED = {"identity": CollectionRun.identity, "auth": CollectionRun.auth}


_IS_OPEN = CollectionRun.run_state != RunState.ENDED


@dataclass
class ResealedRows:
    """Of one batch. `unopened` are damaged, or sealed with a key that is not known either."""

    done: int = 0
    unopened: set[UUID] = field(default_factory=set)


def count_row_keys(session: Session) -> Counter[str]:
    """Sealed columns by the id of their key. A run that has ended keeps nothing sealed."""
    counted: Counter[str] = Counter()
    for column in _SEALED.values():
        key_id = _key_id(column)
        rows = session.execute(select(key_id, func.count()).where(_IS_OPEN, column.is_not(None)).group_by(key_id))
        counted.update({name or _NOT_SEALED: count for name, count in rows})
    return counted


def reseal_rows(work: Work, sealer: Sealer, *, without: Collection[UUID], limit: int) -> ResealedRows:
    """Seal some rows anew that are not sealed with the first key, but for those `without`, and renew their copies in
    Redis. What somebody holds just now is left for the next call. Repeatable."""
    is_old = [(column.is_not(None)) & (_key_id(column) != sealer.current_key_id) for column in _SEALED.values()]
    query = select(CollectionRun).where(_IS_OPEN, or_(*is_old), CollectionRun.session_id.not_in(without))
    runs = work.session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()
    found = ResealedRows()
    for run in runs:
        try:
            values = {name: _reseal(sealer, getattr(run, name), f"{name}:{run.session_id}") for name in _SEALED}
        except SealError as exc:
            log.warning("row_not_resealed", session_id=str(run.session_id), reason=str(exc))
            found.unopened.add(run.session_id)
            continue
        # Whoever holds the run compares its fence, step and state, which stay as they are.
        work.session.execute(update(CollectionRun).where(CollectionRun.session_id == run.session_id).values(values))
        work.refresh_projection(session_subject(str(run.session_id)))
        found.done += 1
    return found


def _reseal(sealer: Sealer, sealed: bytes | None, context: str) -> bytes | None:
    return None if sealed is None else sealer.seal(sealer.open(sealed, context), context)


def _key_id(column: InstrumentedAttribute[bytes | None]) -> ColumnElement[str]:
    """As `core.sealing.key_id_of`, by PostgreSQL; never an error, whatever the bytes are."""
    is_whole = (func.length(column) > 4) & (func.substr(column, 1, 3) == literal(b"WS1"))
    named = func.encode(func.substr(column, 5, func.get_byte(column, 3)), "escape", type_=String)
    return case((is_whole, named), else_="")
