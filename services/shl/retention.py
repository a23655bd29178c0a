"""What is removed of SMART Health Links: files of links whose time is over, locations, and, later, the links."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from models.shl import HealthLink, HealthLinkFetch, HealthLinkFile, HealthLinkLocation

_FETCHES_KEPT = 1000


def forget_links(session: Session, now: datetime, keep_days: int) -> int:
    """How many links. Twice is once."""
    is_over = or_(HealthLink.expires_at <= now, HealthLink.revoked_at.is_not(None), HealthLink.locked_at.is_not(None))
    ended = select(HealthLink.id).where(is_over)
    session.execute(delete(HealthLinkLocation).where(HealthLinkLocation.expires_at <= now))
    session.execute(delete(HealthLinkFile).where(HealthLinkFile.link_id.in_(ended)))
    _forget_old_fetches(session)
    before = now - timedelta(days=keep_days)
    over = or_(HealthLink.expires_at <= before, HealthLink.revoked_at <= before, HealthLink.locked_at <= before)
    return session.connection().execute(delete(HealthLink).where(over)).rowcount


def _forget_old_fetches(session: Session) -> None:
    """Anybody who has a link may come as often as the limit allows."""
    newest = func.row_number().over(partition_by=HealthLinkFetch.link_id, order_by=HealthLinkFetch.at.desc())
    ranked = select(HealthLinkFetch.id, newest.label("place")).subquery()
    old = select(ranked.c.id).where(ranked.c.place > _FETCHES_KEPT)
    session.execute(delete(HealthLinkFetch).where(HealthLinkFetch.id.in_(old)))
