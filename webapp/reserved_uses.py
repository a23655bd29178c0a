"""Tries of which only failures count, counted so that a burst of tries at once cannot pass a limit.

Each try is counted before it is made and given back when it succeeds. In Redis over all web processes, as moving
windows; errors of Redis are raised, as a limit that cannot be counted is no permission.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

from limits import parse_many

from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym

_PREFIX = "welno:reserved"


class Use(NamedTuple):
    """What is counted together: `name` is whose it is, of which Redis knows the pseudonym."""

    limit: str
    action: str
    name: str


@contextmanager
def count_failures(*uses: Use, failures: type[Exception] | tuple[type[Exception], ...]) -> Iterator[None]:
    """A try: it uses up something of each limit when it ends with one of `failures`, and as long as it goes on.

    Raises ApiError beyond a limit, before the try is made, or RedisError.
    """
    with ExitStack() as reserved:
        for use in uses:
            reserved.callback(reserve_use(*use).give_back)
        try:
            yield
        except failures:
            reserved.pop_all()
            raise


@dataclass(frozen=True)
class Reservation:
    """One try that is counted; as a failure, unless it is given back."""

    key: str
    member: str

    def give_back(self) -> None:
        stores().redis.zrem(self.key, self.member)


def reserve_use(limit: str, action: str, name: str) -> Reservation:
    """Raises ApiError with the seconds to wait, or RedisError."""
    here, key = stores(), f"{_PREFIX}:{action}:{pseudonym(name)}"
    items = parse_many(limit)
    now, longest = here.clock.now().timestamp(), max(item.get_expiry() for item in items)
    reservation = Reservation(key, uuid4().hex)
    with here.redis.pipeline() as pipeline:
        pipeline.zremrangebyscore(key, "-inf", now - longest)
        pipeline.zadd(key, {reservation.member: now})
        pipeline.expire(key, longest)
        for item in items:
            pipeline.zcount(key, f"({now - item.get_expiry()}", "+inf")
        counts = pipeline.execute()[3:]
    for item, count in zip(items, counts, strict=True):
        if count > item.amount:
            reservation.give_back()
            raise ApiError(Code.RATE_LIMITED, retry_after_seconds=_wait(key, now, item.get_expiry()))
    return reservation


def _wait(key: str, now: float, window: float) -> float:
    """Until the oldest of the window leaves it."""
    oldest = stores().redis.zrangebyscore(key, f"({now - window}", "+inf", start=0, num=1, withscores=True)
    return float(oldest[0][1]) + window - now if oldest else window
