"""How often a member may do in threads what holds a thread's row and writes to its audit."""

from collections.abc import Callable

from flask import current_app
from redis.exceptions import RedisError

from core.logs import get_logger
from webapp.auth.thread_members import KnownMember
from webapp.current import stores
from webapp.limits import count_use

log = get_logger(__name__)
_ACTION = "thread-act"


def count_act(known: KnownMember) -> None:
    """Raises ApiError. Without Redis nothing is counted: whoever only reads is answered from PostgreSQL then."""
    try:
        count_use(stores().settings.threads.act_limit, _ACTION, known.member)
    except RedisError as exc:
        log.warning("thread_act_not_counted", error=type(exc).__name__)


def act_counter(known: KnownMember) -> Callable[[], None]:
    """The same for a socket, which outlives its request."""
    enter_app = current_app.app_context  # bound to the app itself

    def count() -> None:
        with enter_app():
            count_act(known)

    return count
