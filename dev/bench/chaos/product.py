"""What the engine knows of the product's inside: its leases, its queues, the names of its processes."""

import re
from typing import Any

from core.names import Queue
from services.processes.leases import LOCK_CLASS

LEASE_LOCK_CLASS = LOCK_CLASS
LEASES_TABLE = "welno.welno_processes"
LEASE_SECONDS = 5.0
QUEUES = tuple(str(queue) for queue in Queue)
_APPLICATION = re.compile(r"welno \w+ (\d+)")


def count_queued(client: Any) -> dict[str, int]:
    """By the queues of a broker that is Redis: `client` is one of redis-py's."""
    return {queue: client.llen(queue) for queue in QUEUES}


def pid_of(application: str) -> int | None:
    """A process names itself to PostgreSQL on the connection that holds its lease."""
    match = _APPLICATION.fullmatch(application)
    return int(match[1]) if match else None
