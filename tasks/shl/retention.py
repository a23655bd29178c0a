"""SMART Health Links whose time is over."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.shl.retention import forget_links
from tasks.app import app
from tasks.runtime import runtime

log = get_logger(__name__)


@app.task(name=Task.FORGET_HEALTH_LINKS)
def forget_health_links() -> None:
    """Twice is once."""
    here = runtime().stores
    with here.unit_of_work() as work:
        count = forget_links(work.session, clock.now(), here.settings.shl.keep_days)
    log.info("health_links_forgotten", count=count)
