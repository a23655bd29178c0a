"""Which key sealed phones and birth dates of the journey's people; sealing them anew, so that an older key can go."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.sealing import Sealer, SealError, key_id_of_text
from models.journey import JourneyUser
from services.journey.people import birth_date_context, phone_context

log = get_logger(__name__)


@dataclass(frozen=True)
class ResealedPeople:
    """Of one batch. `last` is where the next one begins; None when there is nothing behind it."""

    done: int
    unopened: int
    last: UUID | None


def count_people_keys(session: Session) -> Counter[str]:
    """By the id of the key."""
    rows = session.execute(select(JourneyUser.phone, JourneyUser.birth_date).execution_options(yield_per=1000))
    return Counter(key_id_of_text(sealed) or "not sealed" for row in rows for sealed in row)


def reseal_people(session: Session, sealer: Sealer, *, after: UUID | None, limit: int) -> ResealedPeople:
    """Seal the next ones anew that are not sealed with the first key, in the order of their ids. Repeatable."""
    query = select(JourneyUser).order_by(JourneyUser.user_id).limit(limit).with_for_update(key_share=True)
    if after is not None:
        query = query.where(JourneyUser.user_id > after)
    done = unopened = 0
    users = session.scalars(query).all()
    for user in users:
        try:
            done += _reseal(user, sealer)
        except SealError as exc:
            log.warning("journey_user_not_resealed", user_id=str(user.user_id), reason=str(exc))
            unopened += 1
    return ResealedPeople(done, unopened, users[-1].user_id if len(users) == limit else None)


def _reseal(user: JourneyUser, sealer: Sealer) -> int:
    """How many of the two."""
    done = 0
    for name, context in (("phone", phone_context(user.user_id)), ("birth_date", birth_date_context(user.user_id))):
        sealed = getattr(user, name)
        if key_id_of_text(sealed) != sealer.current_key_id:
            setattr(user, name, sealer.seal_text(sealer.open_text(sealed, context), context))
            done += 1
    return done
