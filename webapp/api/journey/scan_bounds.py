"""What binds every scan of a tag, however it comes: how often, what is logged of it, which tags are marked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.logs import get_logger
from models.journey import TagAction
from services.journey.dynamic_tags import LoggedScan, log_reading
from services.journey.errors import ReadingReplayed, TagNotFound, TagSwitchedOff
from services.journey.sun import SunPair
from services.journey.tags import (
    ScannedBy,
    TagError,
    TagInactive,
    TagReplayed,
    canonical_uid,
    is_short_code,
    log_scan,
)
from services.journey.work import JourneyWork
from webapp.api.journey import metrics
from webapp.current import stores
from webapp.limits import FAILURES_PER_DEVICE, CallerPlace, LimitedUse, count_uses, limit_of_address
from webapp.reserved_uses import Use, count_failures
from webapp.tag_alerts import note_scan

log = get_logger(__name__)
_PER_DEVICE, _PER_ADDRESS = "60 per minute", "600 per minute"
_NAMES = ("tag_uid", "tag_code", "tag_id")
# Of a scan by itself, and of an action.
_LEADS_NOWHERE = (TagError, TagNotFound, TagSwitchedOff, ReadingReplayed)
_LOGGED_AS: tuple[tuple[tuple[type[Exception], ...], TagAction], ...] = (
    ((TagInactive, TagSwitchedOff), TagAction.INACTIVE),
    ((TagReplayed, ReadingReplayed), TagAction.REPLAY),
)


@dataclass(frozen=True)
class Scan:
    """One scan: what it named the tag by, who holds the phone, and where; `via` is how the tag was read, as the page
    says, `pair` what a dynamic tag has said."""

    named: Mapping[str, str]
    by: ScannedBy
    place: CallerPlace
    via: str | None = None
    pair: SunPair | None = None

    @classmethod
    def of_action(cls, payload: Mapping[str, str], by: ScannedBy, place: CallerPlace) -> "Scan":
        """As the payload of an action names the tag, which may be not at all."""
        named = {name: payload[name] for name in _NAMES if name in payload}
        if (uid := canonical_uid(named.get("tag_uid", ""))) is not None:
            named["tag_uid"] = uid
        return cls(named, by, place)

    @property
    def said(self) -> str:
        return next(iter(self.named.values()), "")

    @property
    def holder(self) -> str:
        """By whom it is counted; "" for who says nothing of themselves."""
        return str(self.by.user_id or self.by.device_id or "")


@contextmanager
def bind_scan(made: Scan) -> Iterator[None]:
    """Count it, and log what leads nowhere, in a transaction of its own: a change that is refused is rolled back.

    Raises ApiError beyond a limit, before the scan is made, or RedisError.
    """
    counted = [LimitedUse(_PER_ADDRESS, "journey-scan-address", made.place.address)]
    if made.holder:
        counted.insert(0, LimitedUse(_PER_DEVICE, "journey-scan", made.holder))
    count_uses(*counted)
    with log_refused(made), count_failures(*_typed_uses(made), failures=_LEADS_NOWHERE):
        yield


@contextmanager
def log_refused(made: Scan) -> Iterator[None]:
    """Of a scan that nothing limits: at a desk."""
    try:
        yield
    except _LEADS_NOWHERE as exc:
        action = next((action for kinds, action in _LOGGED_AS if isinstance(exc, kinds)), TagAction.UNKNOWN)
        _log_alone(action, exc.tag_id, made)
        raise


def log_tag_scan(action: TagAction, tag_id: str, made: Scan) -> LoggedScan:
    """Of a tag that was found, in a transaction of its own. Raises TagUnknown, TagReplayed of a dynamic one."""
    here = stores()
    with here.unit_of_work() as work:
        done = log_reading(
            work.session, here.tag_keys, action, tag_id=tag_id, pair=made.pair, said=made.said, by=made.by
        )
    if done.is_logged:
        tell_logged(action, tag_id, made)
    return done


def log_found(journey: JourneyWork, made: Scan) -> bool:
    """In the change's own transaction, of a tag that it has found and not logged. Whether it is logged now."""
    found = journey.found_tag
    if found is None:
        return False
    return log_scan(
        journey.session, TagAction.SCAN, tag_id=found.tag_id, said=made.said, by=made.by, counter=found.counter
    )


def _log_alone(action: TagAction, tag_id: str | None, made: Scan) -> None:
    """In a transaction of its own."""
    with stores().unit_of_work() as work:
        is_logged = log_scan(work.session, action, tag_id=tag_id, said=made.said, by=made.by)
    if is_logged:
        tell_logged(action, tag_id, made)


def tell_logged(action: TagAction, tag_id: str | None, made: Scan) -> None:
    """Of a scan that was logged."""
    metrics.TAGS.labels(action).inc()
    log.info("tag_scanned", action=str(action), tag_id=tag_id, via=made.via)


def note_device(tag_id: str, made: Scan) -> None:
    """Who says nothing of their device is known by where they are."""
    device = made.by.device_id or made.holder or made.place.address
    if note_scan(tag_id, device, is_hospital=made.place.is_hospital):
        metrics.TAG_ALERTS.inc()


def _typed_uses(made: Scan) -> list[Use]:
    """Codes that are typed are short, so failures with them are limited as those of logins."""
    if not is_short_code(made.named.get("tag_code", "")):
        return []
    limit = limit_of_address(stores().settings.journey.login_failures_address, is_hospital=made.place.is_hospital)
    uses = [Use(limit, "journey-scan-typed", made.place.address)]
    return [*uses, Use(FAILURES_PER_DEVICE, "journey-scan-typed-device", made.holder)] if made.holder else uses
