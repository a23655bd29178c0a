"""What the stores hold of SMART Health Links at the end of a run."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, select

from core.clock import clock
from dev.bench.chaos.workloads.threads.link_actors import MadeLink
from dev.bench.chaos.workloads.threads.thread_history import LinkHistory, StoredLink, ToldLink
from models.shl import FetchKind, HealthLink, HealthLinkFetch, HealthLinkFile
from services.shl.links import is_active
from services.stores import Stores


def read_links(stores: Stores, made: Iterable[MadeLink]) -> LinkHistory:
    return LinkHistory(told={one.id: _told_of(one) for one in made}, stored=_read_stored(stores))


def _told_of(link: MadeLink) -> ToldLink:
    return ToldLink(
        files=link.files,
        has_passcode=link.kind != "plain",
        is_ended=link.is_ended,
        remaining=link.remaining,
        refused=link.refused,
        locations=[one.opened for one in link.locations if one.asked],
    )


def _read_stored(stores: Stores) -> dict[str, StoredLink]:
    files: dict[str, list[str]] = {}
    with stores.sessions() as session:
        order = (HealthLinkFile.link_id, HealthLinkFile.position)
        for link_id, jwe in session.execute(select(HealthLinkFile.link_id, HealthLinkFile.jwe).order_by(*order)):
            files.setdefault(link_id, []).append(jwe)
        taken = select(HealthLinkFetch.link_id, func.count()).where(HealthLinkFetch.kind == FetchKind.FILE)
        counts = Counter({row[0]: row[1] for row in session.execute(taken.group_by(HealthLinkFetch.link_id))})
        active = set(session.scalars(select(HealthLink.id).where(is_active(clock.now()))))
        links = session.scalars(select(HealthLink)).all()
    return {
        one.id: StoredLink(
            files=files.get(one.id, []),
            is_active=one.id in active,
            is_locked=one.locked_at is not None,
            wrong_tries=one.wrong_tries,
            files_taken=counts[one.id],
        )
        for one in links
    }
