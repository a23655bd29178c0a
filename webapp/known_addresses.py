"""From which addresses an account was signed in to: who tries there is not counted together with strangers.

In Redis, under a pseudonym; what is lost there counts like everybody's until the next sign-in.
"""

from datetime import timedelta

from redis.exceptions import RedisError

from core.logs import get_logger
from webapp.current import stores
from webapp.limits import caller_address, pseudonym

log = get_logger(__name__)

_PREFIX = "welno:known_address"
# Longer than an absence; addresses are given to other people.
_KEPT_FOR = timedelta(days=90)


def note_known_address(login: str) -> None:
    """`login` is a pseudonym, of one kind of accounts; it was signed in to from the caller's address."""
    try:
        stores().redis.set(_key(login), 1, ex=_KEPT_FOR)
    except RedisError as exc:
        log.warning("known_address_not_noted", error=type(exc).__name__)


def is_known_address(login: str) -> bool:
    """Raises RedisError."""
    return bool(stores().redis.exists(_key(login)))


def _key(login: str) -> str:
    return f"{_PREFIX}:{pseudonym(f'{login}/{caller_address()}')}"
