"""Looks again and again whether readers may still read: many with one question, and at once those it is said of."""

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

from core.logs import get_logger
from webapp.relay import metrics
from webapp.relay.closing import CloseCode
from webapp.relay.loop import Loop, Workers
from webapp.relay.rounds import Members, Numbered, Round
from webapp.relay.stream_source import Authority

log = get_logger(__name__)
_BATCH = 1000
_GATHER_SECONDS = 3.0  # a full batch of 20,000 readers comes together within so long
_AFTER_LOSS_SECONDS = 5.0  # everybody once, after the control channel was lost


class Right(Protocol):
    """What sources of readers are, as far as this is concerned."""

    @property
    def right(self) -> Hashable: ...
    @property
    def authority(self) -> Authority | None: ...
    def is_concerned(self, notices: frozenset[str]) -> bool: ...


class Reviewable(Hashable, Protocol):
    @property
    def source(self) -> Right: ...

    def lose_right(self, code: int) -> None:
        """On the loop. Harmless when it has ended meanwhile."""


class Reader(Numbered, Protocol):
    def reviewables(self) -> Iterable[Reviewable]:
        """One for each right that it needs; none when it has ended."""


class Batches:
    """What waits for one authority. One question at a time: an authority that is down is not asked by all at once."""

    def __init__(self) -> None:
        self.waiting: dict[Reviewable, None] = {}
        self.ask_at = 0.0
        self.is_asking = False
        self.failing_since: float | None = None

    def add(self, reviewable: Reviewable, ask_by: float) -> None:
        self.ask_at = min(self.ask_at, ask_by) if self.waiting else ask_by
        self.waiting[reviewable] = None

    def is_due(self, now: float) -> bool:
        if self.is_asking or not self.waiting:
            return False
        return now >= self.ask_at or (len(self.waiting) >= _BATCH and self.failing_since is None)

    def take(self, ask_rest_at: float) -> list[Reviewable]:
        batch = list(self.waiting)[:_BATCH]
        for reviewable in batch:
            del self.waiting[reviewable]
        self.ask_at = ask_rest_at
        return batch


class Reauthorization:
    """Belongs to the loop, save `notice` and `notice_loss`, which any thread may call.

    Between the decision on a reader and its opening it is nobody's whom a notice could reach: notices are remembered
    for `admission_seconds`, the longest that may take, and compared with whoever opens.

    A reader whose right nobody can look up stays for another `check_every_seconds` at most, and is then told to try
    again.
    """

    def __init__(
        self,
        loop: Loop,
        workers: Workers,
        groups: Sequence[Members[Any]],
        check_every_seconds: float,
        now: Callable[[], float] = time.monotonic,
        *,
        admission_seconds: float,
    ) -> None:
        self._loop = loop
        self._workers = workers
        self._groups = groups
        self._check_every_seconds = check_every_seconds
        self._now = now
        self._gather_seconds = min(_GATHER_SECONDS, check_every_seconds / 10)
        # Who was left over by a full batch is gathered twice, and all together must not take longer than was promised.
        period = check_every_seconds - 2 * self._gather_seconds
        self._rounds: list[Round[Reader]] = [Round(group, period, now()) for group in groups]
        self._extra_rounds: list[Round[Reader]] = []
        self._extra_until = 0.0
        self._batches: dict[Authority, Batches] = {}
        self._notices: deque[str] = deque()
        self._has_lost_notices = False
        self._admission_seconds = admission_seconds
        self._recent: dict[str, float] = {}  # what was said, and when, the newest last
        self._lost_until = 0.0
        self._opened: list[Reviewable] = []

    def note_opened(self, reviewables: Iterable[Reviewable]) -> None:
        """They are among the readers from now on."""
        self._opened.extend(reviewables)

    def notice(self, name: str) -> None:
        """Of the control channel: whoever it concerns is looked at with the next tick."""
        self._notices.append(name)

    def notice_loss(self) -> None:
        """What the control channel said may have been missed."""
        self._has_lost_notices = True

    def on_tick(self) -> None:
        now = self._now()
        for reviewable in self._due(now):
            self._add(reviewable, now + self._gather_seconds)
        for reviewable in (*self._concerned(now), *self._opened_after_notice(now)):
            self._add(reviewable, now)
        for authority, batches in self._batches.items():
            if batches.is_due(now):
                batches.is_asking = True
                batch = batches.take(now + self._gather_seconds)
                self._workers.put(partial(self._review, authority, batches, batch))

    def _due(self, now: float) -> Iterator[Reviewable]:
        if self._has_lost_notices:
            self._has_lost_notices = False
            self._lost_until = now + self._admission_seconds
            self._extra_rounds = [Round(group, _AFTER_LOSS_SECONDS, now) for group in self._groups]
            self._extra_until = now + 1.1 * _AFTER_LOSS_SECONDS  # a few of them twice, but nobody not at all
        for extra in self._extra_rounds:
            yield from _reviewables(extra.due(now))
        if now >= self._extra_until:
            self._extra_rounds = []
        for regular in self._rounds:
            yield from _reviewables(regular.due(now))

    def _concerned(self, now: float) -> Iterator[Reviewable]:
        notices = frozenset(self._notices.popleft() for _ in range(len(self._notices)))
        for name in notices:
            self._recent.pop(name, None)
            self._recent[name] = now
        if notices:
            for group in self._groups:
                yield from (one for one in _reviewables(group) if one.source.is_concerned(notices))

    def _opened_after_notice(self, now: float) -> Iterator[Reviewable]:
        """To hear what was said of them."""
        while self._recent and next(iter(self._recent.values())) < now - self._admission_seconds:
            del self._recent[next(iter(self._recent))]
        opened, self._opened = self._opened, []
        if opened and (self._recent or now < self._lost_until):
            recent = frozenset(self._recent)
            yield from (one for one in opened if now < self._lost_until or one.source.is_concerned(recent))

    def _add(self, reviewable: Reviewable, ask_by: float) -> None:
        authority = reviewable.source.authority
        if authority is not None:
            self._batches.setdefault(authority, Batches()).add(reviewable, ask_by)

    def _review(self, authority: Authority, batches: Batches, batch: list[Reviewable]) -> None:
        try:
            codes = authority.review([reviewable.source.right for reviewable in batch])
        except Exception as exc:  # noqa: BLE001
            # The edge of a question: it is asked again, and the log knows why.
            log.warning("relay_reauthorization_failed", error=type(exc).__name__)
            self._loop.run(partial(self._on_failed, batches, batch))
        else:
            self._loop.run(partial(self._on_reviewed, batches, batch, codes))

    def _on_reviewed(self, batches: Batches, batch: list[Reviewable], codes: Sequence[int | None]) -> None:
        metrics.REAUTHORIZED.inc(len(batch))
        batches.is_asking, batches.failing_since = False, None
        for reviewable, code in zip(batch, codes, strict=True):
            if code is not None:
                reviewable.lose_right(code)

    def _on_failed(self, batches: Batches, batch: list[Reviewable]) -> None:
        now = self._now()
        batches.is_asking = False
        if batches.failing_since is None:
            batches.failing_since = now
        if now - batches.failing_since >= self._check_every_seconds:
            for reviewable in batch:
                reviewable.lose_right(CloseCode.TRY_AGAIN_LATER)
            return
        for reviewable in batch:
            batches.add(reviewable, now)
        batches.ask_at = now + self._gather_seconds


def _reviewables(readers: Iterable[Reader]) -> Iterator[Reviewable]:
    for reader in readers:
        yield from reader.reviewables()
