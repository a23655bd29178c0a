"""What is removed of SMART Health Links: files of links whose time is over, locations, and, later, the links."""

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from models.shl import HealthLink, HealthLinkFetch, HealthLinkFile, HealthLinkLocation
from services.shl.links import MAX_TRIES

_FETCHES_KEPT = 1000
_LAST_FETCH = select(func.max(HealthLinkFetch.at)).where(HealthLinkFetch.link_id == HealthLink.id).scalar_subquery()


def forget_links(session: Session, now: datetime, keep_days: int) -> int:
    """How many links. Twice is once."""
    used_up = and_(HealthLink.passcode_hash.is_not(None), HealthLink.wrong_tries >= MAX_TRIES)
    ended = select(HealthLink.id).where(or_(HealthLink.expires_at <= now, HealthLink.revoked_at.is_not(None), used_up))
    session.execute(delete(HealthLinkLocation).where(HealthLinkLocation.expires_at <= now))
    session.execute(delete(HealthLinkFile).where(HealthLinkFile.link_id.in_(ended)))
    _forget_old_fetches(session)
    before = now - timedelta(days=keep_days)
    over = or_(
        HealthLink.expires_at <= before,
        HealthLink.revoked_at <= before,
        and_(used_up, func.coalesce(_LAST_FETCH, HealthLink.created_at) <= before),
    )
    return session.connection().execute(delete(HealthLink).where(over)).rowcount


def _forget_old_fetches(session: Session) -> None:
    """Anybody who has a link may come as often as the limit allows."""
    newest = func.row_number().over(partition_by=HealthLinkFetch.link_id, order_by=HealthLinkFetch.at.desc())
    ranked = select(HealthLinkFetch.id, newest.label("place")).subquery()
    old = select(ranked.c.id).where(ranked.c.place > _FETCHES_KEPT)
    session.execute(delete(HealthLinkFetch).where(HealthLinkFetch.id.in_(old)))
