"""Tries of which only failures count, counted so that a burst of tries at once cannot pass a limit.

Each try is counted before it is made and given back when it succeeds. Where those under way use up a limit that too few
have failed to fill, the next one waits for how they end. In Redis over all web processes, as moving windows; errors of
Redis are raised, as a limit that cannot be counted is no permission.
"""

import random
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple, cast
from uuid import uuid4

from limits import parse_many
from redis.exceptions import RedisError

from core.redis_script import Script
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import pseudonym

_PREFIX = "welno:reserved"
_RESERVE = Script(Path(__file__).with_name("reserve_use.lua"))
_RESERVED, _HELD = 0, -1
# A try whose process was killed is under way for ever: from then on it counts as a failure.
_UNDER_WAY_SECONDS = 30.0
# How long a try waits for others to end, which take a few hundredths of a second each.
_PATIENCE_SECONDS = 10.0
# Tries that end in this process wake the next one here; of other processes' whoever waits asks now and then.
_ASK_AGAIN_SECONDS = 1.0
_waiting: dict[str, deque[Event]] = {}


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
        reservations = []
        for use in uses:
            reservations.append(reserve_use(*use))
            reserved.callback(reservations[-1].give_back)
        try:
            yield
        except failures:
            reserved.pop_all()
            for reservation in reservations:
                reservation.keep()
            raise


@dataclass(frozen=True)
class Reservation:
    """One try that is counted: under way, until it is given back or kept as a failure."""

    key: str
    name: str
    at: float

    @property
    def member(self) -> str:
        return f"o{self.name}"

    def give_back(self) -> None:
        try:
            stores().redis.zrem(self.key, self.member)
        finally:
            _wake_next(self.key)

    def keep(self) -> None:
        # Without Redis it stays counted as under way, and is a failure later.
        with suppress(RedisError), stores().redis.pipeline() as pipeline:
            pipeline.zrem(self.key, self.member)
            pipeline.zadd(self.key, {self.name: self.at})
            pipeline.execute()
        _wake_next(self.key)


def forget_failures(use: Use) -> None:
    """Begin to count anew, as after a success. Tries under way stay counted: else a success would make room for more
    guesses at once. Raises RedisError."""
    key, began = _key_of(use.action, use.name), stores().clock.now().timestamp() - _UNDER_WAY_SECONDS
    tries = cast("list[tuple[bytes, float]]", stores().redis.zrange(key, 0, -1, withscores=True))
    if failed := [member for member, at in tries if at <= began or not member.startswith(b"o")]:
        stores().redis.zrem(key, *failed)


def reserve_use(limit: str, action: str, name: str) -> Reservation:
    """Raises ApiError with the seconds to wait, or RedisError."""
    key = _key_of(action, name)
    clock = stores().clock
    until = clock.monotonic() + _PATIENCE_SECONDS
    while True:
        reservation = Reservation(key, uuid4().hex, clock.now().timestamp())
        answer = _ask(limit, reservation)
        if answer == _RESERVED:
            return reservation
        if answer != _HELD or clock.monotonic() > until:
            raise ApiError(Code.RATE_LIMITED, retry_after_seconds=max(answer, 1))
        _wait_for_an_end(key, _ASK_AGAIN_SECONDS * random.uniform(0.5, 1))  # noqa: S311 spreads, hides nothing


def _key_of(action: str, name: str) -> str:
    return f"{_PREFIX}:{action}:{pseudonym(name)}"


def _ask(limit: str, reservation: Reservation) -> int:
    """`_RESERVED`, `_HELD`, or how many seconds to wait."""
    items, at = parse_many(limit), reservation.at
    longest = max(item.get_expiry() for item in items)
    bounds = [bound for item in items for bound in (item.amount, item.get_expiry())]
    arguments = [at, at - _UNDER_WAY_SECONDS, reservation.member, longest, *bounds]
    return int(_RESERVE.run(stores().redis, [reservation.key], arguments))


def _wait_for_an_end(key: str, seconds: float) -> None:
    """Who misses one asks again after the time."""
    mine, line = Event(), _waiting.setdefault(key, deque())
    line.append(mine)
    mine.wait(seconds)
    with suppress(ValueError):  # taken out by who woke us
        line.remove(mine)
    if not line:
        _waiting.pop(key, None)


def _wake_next(key: str) -> None:
    with suppress(IndexError):
        _waiting.get(key, deque()).popleft().set()
