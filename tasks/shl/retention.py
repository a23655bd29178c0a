"""SMART Health Links whose time is over, what was given out for them, and who came too long ago."""

from datetime import datetime

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.shl.retention import (
    delete_fetches,
    delete_files,
    delete_links,
    delete_locations,
    find_too_many_fetches,
)
from tasks.app import app
from tasks.batches import run_in_batches
from tasks.runtime import runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)
_ROWS_AT_ONCE = 1000
# A link has some MiB of files, and up to as many fetches as are kept.
_LINKS_AT_ONCE = 100


@app.task(name=Task.DELETE_HEALTH_LINK_FILES)
def delete_health_link_files() -> None:
    """What opens no more. Each batch has a transaction of its own: cut short, the next time goes on. Twice is once."""
    now = clock.now()
    locations = run_in_batches(lambda work, size: delete_locations(work.session, now, size), _ROWS_AT_ONCE)
    links = run_in_batches(lambda work, size: delete_files(work.session, now, size), _LINKS_AT_ONCE)
    log.info("health_link_files_deleted", locations=locations, links=links)


@app.task(name=Task.FORGET_HEALTH_LINKS)
def forget_health_links() -> None:
    """Links that ended long ago, and who came when many have come since; in batches as above. Twice is once."""
    now, keep_days = clock.now(), runtime().stores.settings.shl.keep_days
    links = run_in_batches(lambda work, size: delete_links(work.session, now, keep_days, size), _LINKS_AT_ONCE)
    log.info("health_links_forgotten", count=links, fetches=_trim_fetches())


def _trim_fetches() -> int:
    deleted, after, is_last = 0, "", False
    while not is_last and not is_stopping():
        with runtime().stores.unit_of_work() as work:
            found = find_too_many_fetches(work.session, after, _LINKS_AT_ONCE)
        deleted += sum(_delete_fetches(link_id, until) for link_id, until in found.items() if until is not None)
        after, is_last = next(reversed(found), ""), len(found) < _LINKS_AT_ONCE
    return deleted


def _delete_fetches(link_id: str, until: datetime) -> int:
    return run_in_batches(lambda work, size: delete_fetches(work.session, link_id, until, size), _ROWS_AT_ONCE)
