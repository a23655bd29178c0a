"""How many connections a web process holds: as many as its open files allow, and of one address at most a share."""

import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from core.settings import Settings

# Logs, listeners, the loop, Redis, the broker, files of the spool.
_OWN_FILES = 100
_UNLIMITED = 1 << 20
# By macOS, which calls its hard limit unlimited and takes no such value.
_ALWAYS_TAKEN = 10_240
_FEWEST = 32
_FEWEST_OF_ONE_ADDRESS = 8
_SHARE = 4
# A connection that becomes a reader has a second descriptor before it counts as one.
_FILES_OF_A_CONNECTION = 2


class TooFewFilesError(Exception):
    """The process may not open as many files as it needs to serve anybody."""

    retryable = False


@dataclass(frozen=True)
class Capacity:
    """`connections` are those of the server: requests under way, idle ones, SSE, long polls; `files` those that they
    and the relay's sockets may have open together."""

    connections: int
    per_address: int
    files: int


def raise_open_files() -> int:
    """As far as this user may, and how far that is. Most systems begin with 1,024, for programs that use `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    furthest = _UNLIMITED if hard == resource.RLIM_INFINITY else min(hard, _UNLIMITED)
    for most in (furthest, _ALWAYS_TAKEN):
        if soft == resource.RLIM_INFINITY or soft >= most:
            return most
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return most
    return soft


def fit_capacity(settings: Settings, open_files: int) -> Capacity:
    """What the settings ask for, or what fits: a process without files serves nobody, while one that lets its callers
    wait still has its stores. Raises TooFewFilesError."""
    reserved = _OWN_FILES + 2 * settings.stores.database_pool_size
    files = open_files - reserved
    connections = min(settings.web.connections_total, files // _SHARE)
    if connections < _FEWEST:
        needed = reserved + _FEWEST * _SHARE
        raise TooFewFilesError(f"this process may open {open_files} files and needs {needed}: raise `ulimit -n`")
    share = max(connections // _SHARE, _FEWEST_OF_ONE_ADDRESS)
    return Capacity(connections, min(settings.web.connections_per_address, share), files)


class OpenConnections:
    """Counts the server's connections against the files that they share with the relay's sockets."""

    def __init__(self, files: int, count_sockets: Callable[[], int]) -> None:
        self._files = files
        self._count_sockets = count_sockets
        self._count = 0

    def take(self) -> bool:
        """Count one; False, and not counted, when there is no room for it."""
        if _FILES_OF_A_CONNECTION * (self._count + 1) + self._count_sockets() > self._files:
            return False
        self._count += 1
        return True

    def give_back(self) -> None:
        self._count -= 1

    def sockets_that_fit(self) -> int:
        return self._files - _FILES_OF_A_CONNECTION * self._count


class AddressTally:
    """How many connections each address has open in this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count one; False, and not counted, when it is one too many."""
        if self._counts[address] >= self._limit:
            return False
        self._counts[address] += 1
        return True

    def give_back(self, address: str) -> None:
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]
