"""Which key sealed the patients' own keys and erasures under way, and sealing them anew, so that an older key can be
removed."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.sealing import Sealer, SealError, key_id_of
from models.patients import Erasure, PatientKey
from services.patients.access_log import key_context
from services.patients.erasing import person_context

log = get_logger(__name__)


@dataclass(frozen=True)
class ResealedKeys:
    """Of one batch. `last` is where the next one begins; None when there is nothing behind it."""

    done: int
    unopened: int
    last: UUID | None


def count_patient_keys(session: Session) -> Counter[str]:
    """By the id of the key that sealed them."""
    keys = session.scalars(select(PatientKey.sealed_key).execution_options(yield_per=1000))
    erasures = session.scalars(select(Erasure.person).where(Erasure.person.is_not(None)))
    sealed = (bytes(one) for column in (keys, erasures) for one in column if one is not None)
    return Counter(key_id_of(one) or "not sealed" for one in sealed)


def reseal_patient_keys(session: Session, sealer: Sealer, *, after: UUID | None, limit: int) -> ResealedKeys:
    """Seal the next ones anew that are not sealed with the first key, in the order of their patients. Repeatable."""
    query = select(PatientKey).order_by(PatientKey.patient_uuid).limit(limit).with_for_update()
    if after is not None:
        query = query.where(PatientKey.patient_uuid > after)
    done = unopened = 0
    keys = session.scalars(query).all()
    for key in keys:
        sealed, context = bytes(key.sealed_key), key_context(key.subject)
        if key_id_of(sealed) == sealer.current_key_id:
            continue
        try:
            key.sealed_key = sealer.seal(sealer.open(sealed, context), context)
        except SealError as exc:
            log.warning("patient_key_not_resealed", reason=str(exc))
            unopened += 1
        else:
            done += 1
    return ResealedKeys(done, unopened, keys[-1].patient_uuid if len(keys) == limit else None)


def reseal_erasures(session: Session, sealer: Sealer) -> int:
    """Seal anew what erasures under way know of their person; few at any time. How many. Raises SealError."""
    done = 0
    for erasure in session.scalars(select(Erasure).where(Erasure.person.is_not(None)).with_for_update()):
        sealed, context = bytes(erasure.person or b""), person_context(erasure.id)
        if key_id_of(sealed) != sealer.current_key_id:
            erasure.person = sealer.seal(sealer.open(sealed, context), context)
            done += 1
    return done
