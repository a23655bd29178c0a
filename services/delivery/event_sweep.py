"""The sweep over streams: finds those that lack what the log has, and fills them.

Looked at are the subjects that changed lately, every minute those of the last ten minutes, and after Redis has lost or
exchanged its data all whose streams may still live. What was erased or redacted since the last success is deleted again
at the same times: a Redis with older data has what was said before, and so may a sender that stood still. Several do no
harm.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from services.delivery.event_log import SubjectEnd, read_changed, read_epoch
from services.delivery.event_sender import EventSender
from services.delivery.kinds import SubjectKind, SubjectKinds
from services.delivery.rewritten import RewrittenStreams
from streams import NOWHERE, Position, Streams

log = get_logger(__name__)

# A change is stamped before its commit: what the last sweep could not see yet is younger than this, but for a commit
# that took longer, as to a standby that does not answer. Those are found by looking further back now and then.
_LATELY_SECONDS = 10.0
_LOOK_BACK_SECONDS = 600.0
_LOOK_BACK_EVERY_SECONDS = 60.0
# What a sender is given before its events count as left behind.
_SETTLE_SECONDS = 0.3
# Of each kind.
_PAGE_SUBJECTS = 200


class StreamSweep:
    """Belongs to one process; remembers which Redis it has compared with."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        streams: Streams,
        kinds: SubjectKinds,
        sender: EventSender,
        *,
        settle_seconds: float = _SETTLE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._streams = streams
        self._kinds = kinds
        self._sender = sender
        self._settle_seconds = settle_seconds
        self._monotonic = monotonic
        # Of a stream and what follows it; and that once more.
        longest_life_seconds = 2.0 * max(kind.stream.ttl_seconds for kind in kinds)
        self._rewritten = RewrittenStreams(sessions, streams, longest_life_seconds, monotonic=monotonic)
        self._server = ""  # the state of the Redis with which the streams are, or were, compared
        self._comparison: Iterator[int] | None = None
        self._look_back_at = 0.0

    def run(self, seconds_since_last: float) -> int:
        """Fill what is behind; how many subjects. Raises StreamsError and SQLAlchemyError: the next call must then be
        told the longer time."""
        filled = sum(self._fill_changed(seconds_since_last + _LATELY_SECONDS))
        state = self._streams.server_state()
        if not state or state != self._server:
            log.info("streams_compared_anew")
            self._rewritten.delete_all()
            self._streams.mark()
            self._server = self._streams.server_state()
            self._comparison = self._fill_changed(None)
        elif self._monotonic() >= self._look_back_at:
            self._look_back_at = self._monotonic() + _LOOK_BACK_EVERY_SECONDS
            self._rewritten.delete_recent()
            if self._comparison is None:  # else all are being looked at, page by page
                self._comparison = self._fill_changed(_LOOK_BACK_SECONDS)
        return filled + self._compare_some()

    def keep_rewritten(self, session: Session) -> int:
        """Drop the hashes of what no Redis can hold any more; how many."""
        return self._rewritten.drop_outlived(session)

    def _compare_some(self) -> int:
        """One page: nothing else of the sweeper waits for the whole comparison."""
        if self._comparison is None:
            return 0
        try:
            page = next(self._comparison, None)
        except Exception:
            self._server = ""  # what was not looked at yet would never be: begin again
            raise
        if page is None:
            self._comparison = None
        return page or 0

    def _fill_changed(self, window_seconds: float | None) -> Iterator[int]:
        """Page by page, of all kinds at once, how many were filled. Without a window all that Redis may still hold is
        looked at, but only what it does hold: who finds no stream reads the log."""
        places: list[tuple[SubjectKind, str | None]] = [(kind, None) for kind in self._kinds]
        while places:
            with self._sessions() as session:
                epoch = read_epoch(session)
                pages = [(kind, self._read_page(session, kind, window_seconds, after)) for kind, after in places]
            ends = [end for _, page in pages for _, end in page]
            behind = self._behind(epoch, ends, needs_all=window_seconds is not None)
            for subject in behind:
                self._sender.fill(subject)
            yield len(behind)
            places = [(kind, page[-1][0]) for kind, page in pages if len(page) == _PAGE_SUBJECTS]

    def _read_page(
        self, session: Session, kind: SubjectKind, window_seconds: float | None, after: str | None
    ) -> list[tuple[str, SubjectEnd]]:
        return read_changed(
            session,
            kind,
            window_seconds=kind.stream.ttl_seconds if window_seconds is None else window_seconds,
            settle_seconds=self._settle_seconds,
            after=after,
            limit=_PAGE_SUBJECTS,
        )

    def _behind(self, epoch: str, ends: Sequence[SubjectEnd], *, needs_all: bool) -> list[str]:
        subjects = [end.subject for end in ends]
        if not subjects:
            return []
        # The projection's key is the subject: see Projection.
        found = zip(ends, self._streams.positions(subjects), self._streams.revisions(subjects), strict=True)
        return [
            end.subject
            for end, at, revision in found
            if lacks_events(at, epoch, end.seq, needs_all=needs_all)
            or lacks_revision(revision, end.revision, needs_all=needs_all)
        ]


def lacks_events(at: Position, epoch: str, seq: int, *, needs_all: bool) -> bool:
    """Whether a stream that ends there is behind this history; one that does not exist only when it has to."""
    if at == NOWHERE:
        return needs_all and seq > 0
    return at.epoch != epoch or at.seq < seq


def lacks_revision(found: int | None, wanted: int | None, *, needs_all: bool) -> bool:
    """The same for a projection; None wanted where the kind has none."""
    if wanted is None or (found is None and not needs_all):
        return False
    return (found or 0) < wanted
