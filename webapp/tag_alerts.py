"""Tags that more devices scan from outside the hospital than should: their code was probably posted somewhere.

Counted in Redis; without it nobody is marked, as nothing depends on it.
"""

from limits import parse_many
from redis.exceptions import RedisError

from core.logs import get_logger
from webapp.current import stores
from webapp.limits import pseudonym

log = get_logger(__name__)
_PREFIX, _MARKED = "welno:tag-devices", "welno:tags-marked"


def note_scan(tag_id: str, device: str, *, is_hospital: bool) -> bool:
    """Whether this scan has more devices outside than should be; the tag is marked then."""
    if is_hospital:
        return False
    here, key = stores(), f"{_PREFIX}:{tag_id}"
    (limit,) = parse_many(here.settings.journey.tag_alert)[:1]
    now, window = here.clock.now().timestamp(), limit.get_expiry()
    try:
        with here.redis.pipeline() as pipeline:
            pipeline.zremrangebyscore(key, "-inf", now - window)
            pipeline.zadd(key, {pseudonym(device): now})
            pipeline.zcard(key)
            pipeline.expire(key, window)
            count = pipeline.execute()[2]
        if count <= limit.amount:
            return False
        here.redis.zadd(_MARKED, {tag_id: now})
    except RedisError as exc:
        log.warning("tag_scans_not_counted", error=type(exc).__name__)
        return False
    log.warning("tag_scanned_from_outside", tag_id=tag_id, devices=count)
    return True


def forget_mark(tag_id: str) -> None:
    """Its code was changed: what was scanned before says nothing of the new one."""
    try:
        stores().redis.delete(f"{_PREFIX}:{tag_id}")
        stores().redis.zrem(_MARKED, tag_id)
    except RedisError as exc:
        log.warning("tag_mark_kept", error=type(exc).__name__)


def find_marked() -> set[str]:
    """Ids of those that were marked within a day."""
    here = stores()
    try:
        marked = here.redis.zrangebyscore(_MARKED, here.clock.now().timestamp() - 86_400, "+inf")
    except RedisError:
        return set()
    return {name.decode() for name in marked if isinstance(name, bytes)}
