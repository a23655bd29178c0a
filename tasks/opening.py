"""Opens the stores of a process or command, and stops it with one sentence where the database does not suit it.

`tasks.app` reads the settings as it is imported: here that is done last, so that a command tells of its arguments, and
of a wrong one, where none are set.
"""

import sys

from core.clock import clock
from core.settings import load_settings
from services.database import connect_database, find_unsuitable
from services.delivery.task_sender import TaskSender
from services.stores import Stores, build_stores


def open_stores() -> Stores:
    """For a process that holds no lease. A database that is not there is waited for by whoever needs it."""
    from tasks.app import app, settings  # noqa: PLC0415 see above

    stores = build_stores(settings, clock, TaskSender(app))
    if reason := find_unsuitable(stores.engine):
        sys.exit(f"settings: DATABASE_URL: {reason}")
    return stores


def require_direct_database() -> None:
    """For a process that holds a lease. Opens no connection that a fork would share."""
    engine = connect_database(load_settings().stores.database_url, pool_size=1)
    reason = find_unsuitable(engine, needs_session=True)
    engine.dispose()
    if reason:
        sys.exit(f"settings: DATABASE_URL: {reason}")
