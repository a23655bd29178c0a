"""How often something may be asked for, counted in Redis over all web processes.

A key may be an address or somebody's id: Redis knows its pseudonym alone.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

from flask import request
from limits import RateLimitItem, parse_many

from core.derived_keys import Purpose, derive_key
from webapp.addresses import network_of
from webapp.current import parts
from webapp.error_codes import Code
from webapp.errors import ApiError

# Of what a person may guess at: how they log in, the code of a tag.
FAILURES_PER_DEVICE = "5 per 15 minutes"
_WIDER = 10
_AMOUNT = re.compile(r"\d+(?=\s*(?:/|per))")


class LimitedUse(NamedTuple):
    """So many uses of an action by `key`, of which `limit` allows so many, in one window or in several."""

    limit: str
    action: str
    key: str
    cost: int = 1


def count_use(limit: str, action: str, key: str, cost: int = 1) -> None:
    """Count uses of the action by `key`, all or none. Raises ApiError with the seconds to wait, or RedisError."""
    count_uses(LimitedUse(limit, action, key, cost))


def count_uses(*uses: LimitedUse) -> None:
    """The same of several limits: where one window of one of them is full, nothing is counted in any. Of calls at the
    same moment one may be counted in a window before it is refused by another."""
    windows = [(item, use.action, pseudonym(use.key), use.cost) for use in uses for item in parse_many(use.limit)]
    limiter = parts().limiter.limiter
    for may_use in (limiter.test, limiter.hit) if len(windows) > 1 else (limiter.hit,):
        for item, action, name, cost in windows:
            if not may_use(item, action, name, cost=cost):
                _refuse(item, action, name)


def share_left(limit: str, action: str, key: str) -> float:
    """How much of the limit is left, between 0 and 1. Raises RedisError."""
    limiter, name = parts().limiter.limiter, pseudonym(key)
    items = parse_many(limit)
    return min(limiter.get_window_stats(item, action, name).remaining / item.amount for item in items)


def refuse_beyond(limit: str, action: str, key: str, cost: int = 1) -> None:
    """Refuse like `count_use`, without counting: for what is counted only when it has failed, or together with others.
    Raises the same."""
    limiter, name = parts().limiter.limiter, pseudonym(key)
    for item in parse_many(limit):
        if not limiter.test(item, action, name, cost=cost):
            _refuse(item, action, name)


def _refuse(item: RateLimitItem, action: str, name: str) -> None:
    reset_at = parts().limiter.limiter.get_window_stats(item, action, name).reset_time
    raise ApiError(Code.RATE_LIMITED, retry_after_seconds=max(reset_at - parts().stores.clock.now().timestamp(), 0))


def caller_address() -> str:
    """As limits count it: of IPv6 the network."""
    return network_of(request.remote_addr)


@dataclass(frozen=True)
class CallerPlace:
    """From where somebody calls, as limits count it. For a socket, which outlives its request."""

    address: str
    is_hospital: bool


def caller_place() -> CallerPlace:
    return CallerPlace(caller_address(), is_hospital_address())


def is_hospital_address() -> bool:
    """Whether the caller is in a network of the hospital, whose guests share an address."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(address in network for network in parts().stores.settings.journey.networks)


def limit_of_address(limit: str, *, is_hospital: bool) -> str:
    """Of one address; ten times as much for the hospital's, which a whole waiting room shares."""
    return _AMOUNT.sub(lambda found: str(int(found[0]) * _WIDER), limit) if is_hospital else limit


def countable_address() -> str | None:
    """Whom open sockets are counted by; None for who shares the hospital's address with its whole waiting room."""
    return None if is_hospital_address() else caller_address()


def pseudonym(value: str) -> str:
    """Stands in Redis and in logs for whom they must not know."""
    key = _limits_key(parts().stores.settings.secrets.pseudonym_key)
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32]


@cache
def _limits_key(pseudonym_key: str) -> bytes:
    return derive_key(pseudonym_key.encode(), Purpose.LIMITS)
