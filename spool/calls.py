"""Who is asking the provider for which answer right now: a paid call is made by one process at a time.

A claim can change hands while the call made under it is on its way: its process hangs, or lost its lease with the
database. The kernel knows better than any lease. It keeps a lock on one byte for each call, and frees it the moment
the process dies, so whoever takes over at once waits for an answer that is already paid for rather than pay again.

Two bytes, because a process that hangs would keep others waiting: after some patience they take the second one, which
is the right to write. The one that hung finds it taken when it wakes up, and its answer is dropped. So does one that
was merely slow: from outside they look alike, and a person who waits costs more than a second call.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b

from core.logs import get_logger
from spool.errors import Overtaken
from spool.folders import SpoolFolders, translated
from spool.names import DataType

log = get_logger(__name__)

CALLS = ".calls"
_FILES = 16
_LOOK_SECONDS = 0.02


class Call:
    """The right to ask for one answer, until `end`."""

    def __init__(self, calls: "Calls", offset: int, *, broke_in: bool) -> None:
        self._calls = calls
        self._offset = offset
        self._broke_in = broke_in
        self._may_write = broke_in

    def write(self) -> None:
        """To be asked before the answer is put down. Raises Overtaken: another has lost its patience with us."""
        if not self._may_write and not self._calls.lock(self._offset + 1):
            raise Overtaken
        self._may_write = True

    def end(self) -> None:
        if not self._broke_in:
            self._calls.unlock(self._offset)
        if self._may_write:
            self._calls.unlock(self._offset + 1)
        self._calls.forget(self._offset)


class Calls:
    """The calls of one process. Make it after a fork: the locks belong to the process that opened the file, and it must
    be opened once only, since closing any handle of it would free them all."""

    def __init__(self, folders: SpoolFolders) -> None:
        self.folders = folders
        self._disk = folders.disk
        self._handles: dict[int, int] = {}
        self._begun: set[int] = set()
        self._never = threading.Event()

    def begin(self, session_id: str, data_type: DataType, *, breaking_in: bool = False) -> Call | None:
        """The right to ask, unless somebody is asking already. `breaking_in` is for who has waited long enough.
        Raises StorageFault."""
        offset = _offset(session_id, data_type)
        if offset in self._begun:
            return None
        if self.lock(offset):
            call = Call(self, offset, broke_in=False)
        elif breaking_in and self.lock(offset + 1):
            log.warning("call_broken_into", session_id=session_id, kind=data_type)
            call = Call(self, offset, broke_in=True)
        else:
            return None
        self._begun.add(offset)
        return call

    @contextmanager
    def hold(self, session_id: str, data_type: DataType, patience_seconds: float) -> Iterator[Call]:
        """Waits for whoever is asking, and for no more than the patience if that one hangs."""
        until = time.monotonic() + patience_seconds
        while (call := self.begin(session_id, data_type, breaking_in=time.monotonic() >= until)) is None:
            self._never.wait(_LOOK_SECONDS)
        try:
            yield call
        finally:
            call.end()

    @translated
    def lock(self, offset: int) -> bool:
        return self._disk.lock_byte(self._handle_of(offset), offset)

    def unlock(self, offset: int) -> None:
        self._disk.unlock_byte(self._handle_of(offset), offset)

    def _handle_of(self, offset: int) -> int:
        # The kernel walks through a file's locks one by one, and a poller has hundreds of calls on their way.
        number = offset // 2 % _FILES
        if number not in self._handles:
            path = self.folders.root / f"{CALLS}-{number:02}"
            self._handles[number] = self._disk.open(path, os.O_RDWR | os.O_CREAT)
        return self._handles[number]

    def forget(self, offset: int) -> None:
        self._begun.discard(offset)


@lru_cache(maxsize=20_000)  # a poller asks for the same ones again and again
def _offset(session_id: str, data_type: DataType) -> int:
    """An even place within the 63 bits of a file's length; nothing is ever written there."""
    digest = blake2b(f"{session_id} {data_type}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 2) << 1
