"""Arriving at the hospital: a scan of one of its tags begins a visit."""

from models.journey import NfcTag, TagAction
from services.journey.action_context import ActionContext, read_name
from services.journey.errors import PayloadInvalid, TagNotFound, TagSwitchedOff
from services.journey.tags import (
    FoundTag,
    ScannedBy,
    TagInactive,
    TagUnknown,
    canonical_uid,
    find_tag,
    log_scan,
    read_named_tags,
)


def scan_tag(context: ActionContext) -> None:
    """Needs an active tag, named in one way; who is assisted needs none. Raises PayloadInvalid, TagNotFound,
    TagSwitchedOff."""
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
    found = context.change.journey.found_tag = _find_tag(context, name, known)
    context.move(tag_id=found.tag_id)


def _find_tag(context: ActionContext, name: str, known: str) -> FoundTag:
    """A scan is logged; where a tag is named by its id, whoever has found it logs the scan. What is refused is rolled
    back: the edge logs it. Raises TagNotFound, TagSwitchedOff."""
    session = context.change.journey.session
    if name == "tag_id":
        tag = session.get(NfcTag, known)
        if tag is None:
            raise TagNotFound
        if not tag.is_active:
            raise TagSwitchedOff(tag.tag_id)
        return FoundTag(tag.tag_id, is_logged=False)
    try:
        found = find_tag(read_named_tags(session, **{name: known}), **{name: known})
    except TagInactive as exc:
        raise TagSwitchedOff(exc.tag_id) from exc
    except TagUnknown as exc:
        raise TagNotFound from exc
    is_own = context.actor.principal_id == context.change.locked.user_id
    holder = ScannedBy(context.change.locked.user_id if is_own else None)
    is_logged = log_scan(session, TagAction.SCAN, tag_id=found.tag_id, said=known, by=holder)
    return FoundTag(found.tag_id, is_logged)
