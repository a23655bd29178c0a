"""Claims in a bucket: an object that its holder writes anew as long as it lives, and that only one can take.

Every change is a conditional write: of two hosts one is refused. A lease's age is told by the store's clocks alone,
never by a host's; where a store is several machines, they may be `CLOCKS_APART_SECONDS` apart.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.logs import get_logger
from spool.errors import FileTaken
from spool.objects import BucketRefused, Objects, ObjectStatus, PreconditionMissed

log = get_logger(__name__)
_TOKEN_LENGTH = 32
# Of the store's own machines; the whole seconds that they tell are part of it.
CLOCKS_APART_SECONDS = 10


class ObjectLease:
    """`require` is to be called before each act that only the holder may do."""

    def __init__(self, objects: Objects, key: str, seconds: float, apart_seconds: float) -> None:
        self._objects = objects
        self._key = key
        self._seconds = seconds
        self._apart_seconds = apart_seconds
        self._token = secrets.token_hex(_TOKEN_LENGTH // 2).encode()
        self._writes = 0
        self._etag = ""
        self._renewed_at = 0.0
        self._is_lost = False
        self._lock = threading.Lock()

    def take(self) -> None:
        """Raises FileTaken, OSError."""
        try:
            self._write(is_new=True)
        except PreconditionMissed:
            self._take_over()

    def require(self) -> None:
        """It is ours, and will be for as long again. Raises FileTaken, OSError."""
        with self._lock:
            if self._is_lost:
                raise FileTaken
            try:
                self._write(if_etag=self._etag)
            except PreconditionMissed:
                if not self._find_ours():
                    self._is_lost = True
                    raise FileTaken from None

    def release(self) -> None:
        """Never raises; what stays is over after its time."""
        with self._lock:
            is_surely_ours = not self._is_lost and time.monotonic() - self._renewed_at < self._seconds / 2
            self._is_lost = True
            if is_surely_ours:
                with suppress(OSError):
                    self._objects.delete(self._key)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renewed in the background until the block ends, then released."""
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(ended,), name="spool-lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            self.release()

    def _keep(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds / 3):
            try:
                self.require()
            except FileTaken:
                if not ended.is_set():
                    log.warning("spool_lease_lost")
                return
            except OSError:
                continue  # the next one may come through in time; if not, the holder's own `require` will say so

    def _take_over(self) -> None:
        """From one that has not written it for its whole time. Raises FileTaken, OSError."""
        if self._find_ours():
            return
        try:
            status = self._objects.status(self._key)
            if age_told_by_store(status, self._apart_seconds) <= self._seconds + self._apart_seconds:
                raise FileTaken
            self._write(if_etag=status.etag)
        except FileNotFoundError:  # just released: it may be had a moment later
            raise FileTaken from None
        except PreconditionMissed:
            if not self._find_ours():
                raise FileTaken from None

    def _find_ours(self) -> bool:
        """Whether the write that was refused as a repetition had come through at its first try."""
        try:
            token, status = self._objects.read_beginning(self._key, _TOKEN_LENGTH)
        except FileNotFoundError:
            return False
        if token != self._token:
            return False
        self._etag, self._renewed_at = (
            status.etag,
            time.monotonic() - (status.answered_at - status.changed_at).total_seconds(),
        )
        return True

    def _write(self, *, is_new: bool = False, if_etag: str | None = None) -> None:
        self._writes += 1
        began_at = time.monotonic()
        body = self._token + b" %d" % self._writes  # each its own, so that each has its own ETag
        self._etag = self._objects.put(self._key, body, is_new=is_new, if_etag=if_etag)
        self._renewed_at = began_at


def age_told_by_store(status: ObjectStatus, apart_seconds: float) -> float:
    """Seconds since it was written, as the store tells them. Raises BucketRefused when its clocks contradict each
    other by more than they may."""
    age = (status.answered_at - status.changed_at).total_seconds()
    if age < -apart_seconds:
        raise BucketRefused("clocks_apart")
    return age
