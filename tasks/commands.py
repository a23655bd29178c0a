"""How an operators' command ends where a store does not answer: with a sentence, and a status of its own, since 1 is a
finding of some."""

import sys
from collections.abc import Callable
from typing import NoReturn

from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent
from sqlalchemy.exc import DBAPIError

from services.database import STORE_AWAY, is_store_away

STATUS_STORE_AWAY = 3


def end_command(main: Callable[[], int]) -> NoReturn:
    """Exits with the status of `main`, or with 3 where PostgreSQL or Redis cannot be used now."""
    try:
        status = main()
    except STORE_AWAY as exc:
        if not is_store_away(exc):
            raise
        _tell("PostgreSQL", exc.orig if isinstance(exc, DBAPIError) else exc)
    except (RedisAway, RedisSilent) as exc:
        _tell("Redis", exc)
    else:
        sys.exit(status)
    sys.exit(STATUS_STORE_AWAY)


def _tell(store: str, error: BaseException | None) -> None:
    reason = next(iter(str(error).splitlines()), "")
    sys.stderr.write(f"{store} cannot be used now: {reason or type(error).__name__}\n")
