"""How an operators' command ends where PostgreSQL does not answer: with a sentence, and a status of its own, since 1 is
a finding of some. None of them waits for Redis: what they change is told over it later."""

import sys
from collections.abc import Callable
from typing import NoReturn

from sqlalchemy.exc import DBAPIError

from services.database import STORE_AWAY, is_store_away

STATUS_DATABASE_AWAY = 3


def end_command(main: Callable[[], int]) -> NoReturn:
    """Exits with the status of `main`, or with 3 where PostgreSQL cannot be used now."""
    try:
        sys.exit(main())
    except STORE_AWAY as exc:
        if not is_store_away(exc):
            raise
        error = exc.orig if isinstance(exc, DBAPIError) else exc
        reason = next(iter(str(error).splitlines()), "")
        sys.stderr.write(f"PostgreSQL cannot be used now: {reason or type(error).__name__}\n")
        sys.exit(STATUS_DATABASE_AWAY)
