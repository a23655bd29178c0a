"""Arriving at the hospital: a scan of one of its tags begins a visit."""

from sqlalchemy import select

from models.journey import NfcTag
from services.journey.action_context import ActionContext, read_name
from services.journey.errors import PayloadInvalid, TagNotFound, TagSwitchedOff
from services.journey.tags import canonical_uid


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
    tag = context.change.journey.session.scalar(select(NfcTag).where(getattr(NfcTag, name) == known))
    if tag is None:
        raise TagNotFound
    if not tag.is_active:
        raise TagSwitchedOff
    context.move(tag_id=tag.tag_id)
