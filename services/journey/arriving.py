"""Arriving at the hospital: a scan of one of its tags begins a visit."""

import re

from sqlalchemy import select

from models.journey import NfcTag
from services.journey.action_context import ActionContext, read_name
from services.journey.errors import PayloadInvalid, TagNotFound, TagSwitchedOff

_SEPARATORS = re.compile(r"[:-]")


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
    tag = context.change.journey.session.scalar(select(NfcTag).where(getattr(NfcTag, name) == _canonical(name, value)))
    if tag is None:
        raise TagNotFound
    if not tag.is_active:
        raise TagSwitchedOff
    context.move(tag_id=tag.tag_id)


def _canonical(name: str, value: str) -> str:
    """A chip's number as it is stored, in whichever way it is written."""
    if name != "tag_uid":
        return value
    digits = _SEPARATORS.sub("", value).upper()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
