"""From which addresses a phone's pushes were approved: who asks there is not counted together with strangers.

In Redis, under a pseudonym; what is lost there counts like everybody's until the next approval.
"""

from datetime import timedelta
from uuid import UUID

from redis.exceptions import RedisError

from core.logs import get_logger
from core.sealing import UnknownSealingKey
from services.collection.session_cache import SessionView
from webapp.current import stores
from webapp.limits import caller_address, pseudonym

log = get_logger(__name__)

_PREFIX = "welno:approving_address"
# Over the months between two collections; addresses are given to other people.
_KEPT_FOR = timedelta(days=90)


def note_approved(view: SessionView) -> None:
    """For the session's first call with the token of its approval: the browser that asked for the push makes it, by
    whatever address it has now."""
    here = stores()
    try:
        with here.sessions() as session:
            phone = here.pushes.phone_of(session, UUID(view.session_id))
        if phone is None:
            return  # its run has ended, and with it what it knew of the phone
        here.redis.set(_key(phone), 1, ex=_KEPT_FOR)
    except (RedisError, UnknownSealingKey) as exc:
        log.warning("approving_address_not_noted", error=type(exc).__name__)


def has_approved(phone: str) -> bool:
    """Whether a push to the phone (its pseudonym) was approved from the caller's address. Raises RedisError."""
    return bool(stores().redis.exists(_key(phone)))


def _key(phone: str) -> str:
    return f"{_PREFIX}:{pseudonym(f'{phone}/{caller_address()}')}"
