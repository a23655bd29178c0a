"""How often something may be asked for, counted in Redis over all web processes."""

import hashlib
import hmac
from functools import cache
from ipaddress import ip_address

from flask import request
from limits import RateLimitItem, parse_many

from core.derived_keys import Purpose, derive_key
from webapp.addresses import network_of
from webapp.current import parts
from webapp.error_codes import Code
from webapp.errors import ApiError


def count_use(limit: str, action: str, key: str, cost: int = 1) -> None:
    """Count uses of the action by `key`, all or none. Raises ApiError with the seconds to wait, or RedisError."""
    limiter = parts().limiter.limiter
    for item in parse_many(limit):
        if not limiter.hit(item, action, key, cost=cost):
            _refuse(item, action, key)


def share_left(limit: str, action: str, key: str) -> float:
    """How much of the limit is left, between 0 and 1. Raises RedisError."""
    limiter = parts().limiter.limiter
    items = parse_many(limit)
    return min(limiter.get_window_stats(item, action, key).remaining / item.amount for item in items)


def refuse_beyond(limit: str, action: str, key: str, cost: int = 1) -> None:
    """Refuse like `count_use`, without counting: for what is counted only when it has failed, or together with others.
    Raises the same."""
    limiter = parts().limiter.limiter
    for item in parse_many(limit):
        if not limiter.test(item, action, key, cost=cost):
            _refuse(item, action, key)


def forget_uses(limit: str, action: str, key: str) -> None:
    """Begin to count anew, as after a success. Raises RedisError."""
    limiter = parts().limiter.limiter
    for item in parse_many(limit):
        limiter.clear(item, action, key)


def _refuse(item: RateLimitItem, action: str, key: str) -> None:
    reset_at = parts().limiter.limiter.get_window_stats(item, action, key).reset_time
    raise ApiError(Code.RATE_LIMITED, retry_after_seconds=max(reset_at - parts().stores.clock.now().timestamp(), 0))


def caller_address() -> str:
    """As limits count it: of IPv6 the network."""
    return network_of(request.remote_addr)


def is_hospital_address() -> bool:
    """Whether the caller is in a network of the hospital, whose guests share an address."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(address in network for network in parts().stores.settings.journey.networks)


def countable_address() -> str | None:
    """Whom open sockets are counted by; None for who shares the hospital's address with its whole waiting room."""
    return None if is_hospital_address() else caller_address()


def pseudonym(value: str) -> str:
    """Stands for a phone number in Redis, which must not know it."""
    key = _limits_key(parts().stores.settings.secrets.pseudonym_key)
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32]


@cache
def _limits_key(pseudonym_key: str) -> bytes:
    return derive_key(pseudonym_key.encode(), Purpose.LIMITS)
