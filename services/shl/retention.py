"""What is removed of SMART Health Links, in batches: locations and files whose time is over, links, and who came.

Each function is one batch for a transaction of its own. Files and links go under their link's lock, as whoever opens
one reads its files under it; a link that is locked is left to the next batch or the next time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from models.shl import HealthLink, HealthLinkFetch, HealthLinkFile, HealthLinkLocation

_FETCHES_KEPT = 1000


def delete_locations(session: Session, now: datetime, limit: int) -> int:
    """Those that nobody can take any more: how many. Whoever takes one just now is left to it."""
    query = select(HealthLinkLocation.token_hash).where(HealthLinkLocation.expires_at <= now)
    over = query.limit(limit).with_for_update(skip_locked=True).cte("over")
    statement = delete(HealthLinkLocation).where(HealthLinkLocation.token_hash.in_(select(over.c.token_hash)))
    return session.connection().execute(statement).rowcount


def delete_files(session: Session, now: datetime, limit: int) -> int:
    """Of links that can be opened no more: of how many."""
    has_files = select(HealthLinkFile.link_id).where(HealthLinkFile.link_id == HealthLink.id).exists()
    ids = _lock_links(session, _is_over(now) & has_files, limit)
    session.execute(delete(HealthLinkFile).where(HealthLinkFile.link_id.in_(ids)))
    return len(ids)


def delete_links(session: Session, now: datetime, keep_days: int, limit: int) -> int:
    """How many, with all that belongs to them."""
    ids = _lock_links(session, _is_over(now - timedelta(days=keep_days)), limit)
    session.execute(delete(HealthLink).where(HealthLink.id.in_(ids)))
    return len(ids)


def find_too_many_fetches(session: Session, after: str, limit: int) -> dict[str, datetime | None]:
    """When the newest one came that is too many, of each of the next links in the order of their ids; None where none
    is. Of no link more is read than is kept: anybody who has one may come as often as the limit allows."""
    newest = select(HealthLinkFetch.at).where(HealthLinkFetch.link_id == HealthLink.id)
    too_many = newest.order_by(HealthLinkFetch.at.desc()).offset(_FETCHES_KEPT).limit(1).scalar_subquery()
    links = select(HealthLink.id, too_many).where(HealthLink.id > after).order_by(HealthLink.id).limit(limit)
    return {row[0]: row[1] for row in session.execute(links)}


def delete_fetches(session: Session, link_id: str, until: datetime, limit: int) -> int:
    """The oldest of one link, up to a moment: how many."""
    query = select(HealthLinkFetch.id).where(HealthLinkFetch.link_id == link_id, HealthLinkFetch.at <= until)
    # The oldest first, or a plan may look for them from the table's beginning.
    old = query.order_by(HealthLinkFetch.at).limit(limit).with_for_update(skip_locked=True).cte("old")
    statement = delete(HealthLinkFetch).where(HealthLinkFetch.id.in_(select(old.c.id)))
    return session.connection().execute(statement).rowcount


def _is_over(at: datetime) -> ColumnElement[bool]:
    return or_(HealthLink.expires_at <= at, HealthLink.revoked_at <= at, HealthLink.locked_at <= at)


def _lock_links(session: Session, which: ColumnElement[bool], limit: int) -> Sequence[str]:
    return session.scalars(select(HealthLink.id).where(which).limit(limit).with_for_update(skip_locked=True)).all()
