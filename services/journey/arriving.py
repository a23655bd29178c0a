"""Arriving at the hospital: a scan of one of its tags begins a visit."""

from models.journey import NfcTag, TagAction
from services.journey.action_context import ActionContext, read_name
from services.journey.dynamic_tags import take_reading
from services.journey.errors import PayloadInvalid, ReadingReplayed, TagNotFound, TagSwitchedOff
from services.journey.sun import SunPair
from services.journey.tags import (
    FoundTag,
    ScannedBy,
    TagInactive,
    TagReplayed,
    TagUnknown,
    canonical_uid,
    find_tag,
    log_scan,
    read_named_tags,
)


def scan_tag(context: ActionContext) -> None:
    """Needs an active tag, named in one way, and of a dynamic one what it says by `e` and `c`, unless the change has
    claimed the token of its scan; who is assisted needs none. Raises PayloadInvalid, TagNotFound, TagSwitchedOff,
    ReadingReplayed."""
    named = {name: value for name in ("tag_uid", "tag_code", "tag_id") if (value := read_name(context.payload, name))}
    if context.change.is_assisted and not named:
        context.move()
        return
    if len(named) != 1:
        raise PayloadInvalid("payload.tag_code")
    [(name, value)] = named.items()
    known = canonical_uid(value) if name == "tag_uid" else value
    if known is None:
        raise PayloadInvalid("payload.tag_uid")
    found = context.change.journey.found_tag = _scan(context, name, known)
    context.move(tag_id=found.tag_id)


def _scan(context: ActionContext, name: str, known: str) -> FoundTag:
    """A scan is logged; where a tag is named by its id, whoever has found it logs the scan. What is refused is rolled
    back: the edge logs it. Raises TagNotFound, TagSwitchedOff, ReadingReplayed."""
    journey = context.change.journey
    try:
        tag = _find_tag(context, name, known)
        is_claimed = tag.tag_id == journey.claimed_tag
        counter = None if is_claimed else take_reading(journey.session, journey.tag_keys, tag, _read_pair(context))
    except TagInactive as exc:
        raise TagSwitchedOff(exc.tag_id) from exc
    except TagReplayed as exc:
        raise ReadingReplayed(exc.tag_id) from exc
    except TagUnknown as exc:
        raise TagNotFound from exc
    if name == "tag_id":
        return FoundTag(tag.tag_id, is_logged=False, counter=counter)
    is_own = context.actor.principal_id == context.change.locked.user_id
    by = ScannedBy(context.change.locked.user_id if is_own else None)
    is_logged = log_scan(journey.session, TagAction.SCAN, tag_id=tag.tag_id, said=known, by=by, counter=counter)
    return FoundTag(tag.tag_id, is_logged, counter)


def _find_tag(context: ActionContext, name: str, known: str) -> NfcTag:
    """Raises TagUnknown, TagInactive."""
    session = context.change.journey.session
    if name != "tag_id":
        return session.get_one(NfcTag, find_tag(read_named_tags(session, **{name: known}), **{name: known}).tag_id)
    tag = session.get(NfcTag, known)
    if tag is None:
        raise TagUnknown
    if not tag.is_active:
        raise TagInactive(tag.tag_id)
    return tag


def _read_pair(context: ActionContext) -> SunPair | None:
    """What is of no such form leads nowhere, as what is forged."""
    e, c = context.payload.get("e"), context.payload.get("c")
    return None if e is None and c is None else SunPair(str(e or ""), str(c or ""))
