"""The one way in which a call that costs money is made (docs/decisions/0010-paid-calls.md).

Room on disk before it, its deadline in the run's row, the answer's bytes on disk before anybody judges them, and held
in memory while the disk refuses. What cannot be read is parked for people to look at, and not bought again.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from core.clock import Clock
from core.logs import get_logger
from services.collection.call_deadlines import begin_again, extend_call, renew_call
from services.collection.call_turn import CallTooLate
from services.collection.step import Claim, request_of
from services.delivery.unit_of_work import UnitOfWork
from spool import AnswerKind, DamagedFile, KeptAnswer, Room, SealedWithUnknownKey, Spool, SpoolError, UnknownFile
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.mediarc.errors import MediarcError
from upstream.tilko.errors import AnswerUnreadable, TilkoError

log = get_logger(__name__)
T = TypeVar("T")

# What reading it needs, and what a refusal says that shows only then.
_KEPT_HEADERS = ("content-type", "content-encoding", "retry-after")
_WRITE_AGAIN_SECONDS = 0.5
_MIB = 1024 * 1024


@dataclass(frozen=True)
class CallTerms:
    """What is known of a call before it is made. The room is what such an answer takes; a longer one takes more of the
    disk when it has come.

    `is_billed_again`  to ask again costs money: nobody does while another's call may be under way
    `of_this_start`    an answer that is on disk counts only for the start of the step for which it was asked
    """

    kind: AnswerKind
    name: str
    room_bytes: int
    is_billed_again: bool = True
    of_this_start: bool = False


CHECKUPS = CallTerms(AnswerKind.HEALTH, "checkups", _MIB)
PRESCRIPTIONS = CallTerms(AnswerKind.PRESCRIPTION, "prescriptions", 16 * _MIB)
# Each try bears the same `tid`: the provider knows that it is one report.
REPORT = CallTerms(AnswerKind.REPORT, "report", _MIB, is_billed_again=False)
# A second push bothers, and costs nothing; to wait for a lost process's would keep the person waiting.
SIMPLE_AUTH = CallTerms(AnswerKind.SIMPLE_AUTH, "simple_auth", 64 * 1024, is_billed_again=False, of_this_start=True)


class CallsUnderWay:
    """The calls that this process makes just now. A process that is told to stop waits for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

    def __bool__(self) -> bool:
        return self._count > 0


class PaidCalls:
    """Gives the answers on disk, and asks (and pays) for those that are not there. Safe to share between threads."""

    def __init__(self, spool: Spool, unit_of_work: UnitOfWork, clock: Clock, margin_seconds: float) -> None:
        self._spool = spool
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._margin_seconds = margin_seconds
        self._never = threading.Event()
        self.under_way = CallsUnderWay()

    def seconds_of(self, timeout_seconds: float) -> float:
        """How long the deadline in the row is ahead: half of the margin to leave, half of it to write the answer."""
        return timeout_seconds + self._margin_seconds

    def obtain(
        self,
        claim: Claim,
        terms: CallTerms,
        timeout_seconds: float,
        ask: Callable[[PaidCall], T],
        read: Callable[[HttpResponse], T],
    ) -> T:
        """What the answer says. Raises what `ask` and `read` raise; DamagedFile for an answer that the disk has spoilt;
        AnswerUnreadable also for one that was parked before, until an operator discards it; CallStands, CallTooLate and
        StorageFault when nothing was asked."""
        kept = self._find(claim, terms)
        if kept is not None:
            return self._judge(claim, terms, lambda: read(_response_of(kept)), was_kept=True)
        self._require_unparked(claim, terms)
        claim.turn.require()
        room = self._spool.reserve_room(terms.room_bytes)
        try:
            self._begin(claim, terms, timeout_seconds)
            leaves_by = claim.turn.began_at + self._margin_seconds / 2
            prepared = PaidCall(
                ends_at=leaves_by + timeout_seconds,
                before_send=partial(_require_time, leaves_by),
                keep=partial(self.keep, claim, terms, room),
            )
            with self.under_way.one():
                return self._judge(claim, terms, lambda: ask(prepared), was_kept=False)
        finally:
            room.close()

    def keep(self, claim: Claim, terms: CallTerms, room: Room | None, response: HttpResponse) -> None:
        """Returns when the answer is on disk, however long it takes."""
        answer = KeptAnswer(response.body, self._describe(claim, terms, response))
        while True:
            try:
                self._spool.put_incoming(str(claim.session_id), terms.kind, answer, room)
            except SpoolError as exc:
                log.error("paid_answer_not_on_disk", call=terms.name, reason=exc.reason)  # noqa: TRY400 it says it all
            else:
                return
            finally:
                if room is not None:
                    room.close()
            room = None  # what could not be written there is written anew
            self._hold_off_others(claim)
            self._never.wait(_WRITE_AGAIN_SECONDS)

    def _hold_off_others(self, claim: Claim) -> None:
        try:
            with self._unit_of_work() as work:
                extend_call(work, claim, self._margin_seconds)
        except Exception as exc:  # noqa: BLE001 without the database nobody else can take the run either
            log.warning("call_not_extended", error=type(exc).__name__)

    def _describe(self, claim: Claim, terms: CallTerms, response: HttpResponse) -> Mapping[str, Any]:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return {
            "call": terms.name,
            "session_id": str(claim.session_id),
            "step": claim.step,
            "step_started_at": claim.started_at.isoformat(),
            "fence": claim.fence,
            "approve_by": request_of(claim),
            "attempt": claim.attempt,
            "came_at": self._clock.now().isoformat(),
            "status": response.status,
            "headers": {name: headers[name] for name in _KEPT_HEADERS if name in headers},
        }

    def _find(self, claim: Claim, terms: CallTerms) -> KeptAnswer | None:
        """The answer on disk. A push that was sent for an earlier wish of the person is none."""
        session_id = str(claim.session_id)
        if self._spool.find_incoming(session_id, terms.kind) is None:
            return None
        try:
            kept = self._spool.read_incoming(session_id, terms.kind)
        except DamagedFile as exc:
            self._park(claim, terms, f"damaged_{exc.reason}")
            raise
        if terms.of_this_start and kept.about.get("step_started_at") != claim.started_at.isoformat():
            self._spool.drop_incoming(session_id, terms.kind)
            return None
        return kept

    def _require_unparked(self, claim: Claim, terms: CallTerms) -> None:
        """What came for this request, and nobody could read, is not bought again. Raises AnswerUnreadable."""
        if not terms.is_billed_again:
            return
        names = self._spool.find_parked(str(claim.session_id), terms.kind)
        if any(self._is_of_request(name, claim) for name in names):
            raise AnswerUnreadable(reason="parked")

    def _is_of_request(self, name: str, claim: Claim) -> bool:
        try:
            about = self._spool.read_parked(name).about
        except UnknownFile:  # discarded just now
            return False
        except DamagedFile:
            return True
        return about.get("approve_by") in {None, request_of(claim)}

    def _begin(self, claim: Claim, terms: CallTerms, timeout_seconds: float) -> None:
        """Have a deadline in the row that leaves the call its time. Raises ClaimOutdated."""
        began_at, asks_again = time.monotonic(), claim.turn.asks_again
        if not asks_again and began_at < claim.turn.began_at + self._margin_seconds / 4:
            return
        # A spool may be slow, a bucket above all: to try the step again would find it as slow, and never leave.
        write = partial(begin_again, call=terms.name) if asks_again else renew_call
        with self._unit_of_work() as work:
            write(work, claim, seconds=self.seconds_of(timeout_seconds))
        claim.turn.begin(began_at)
        if asks_again:
            log.warning("paid_call_made_again", call=terms.name, session_id=str(claim.session_id))

    def _judge(self, claim: Claim, terms: CallTerms, read: Callable[[], T], *, was_kept: bool) -> T:
        try:
            return read()
        except AnswerUnreadable as exc:
            self._park(claim, terms, exc.reason)
            raise
        except MediarcError as exc:
            # What was kept is no refusal: it may have been paid for, and is parked. Its `tid` is ordered again.
            if was_kept or self._is_kept_of(claim, terms):
                self._park(claim, terms, exc.reason or "refused")
            raise
        except TilkoError:
            # It turned out to be no answer, and must not be found again.
            if was_kept or self._is_kept_of(claim, terms):
                self._spool.drop_incoming(str(claim.session_id), terms.kind)
            raise
        except CallTooLate:  # an answer that is on disk by now is that of the call before, and good
            raise
        except Exception as exc:
            if self._spool.find_incoming(str(claim.session_id), terms.kind) is None:
                raise
            # A mistake of ours in reading it: to buy it again would not help.
            log.exception("paid_answer_not_understood", call=terms.name, error=type(exc).__name__)
            self._park(claim, terms, f"unexpected_{type(exc).__name__.lower()}")
            raise AnswerUnreadable(reason="unexpected") from None

    def _is_kept_of(self, claim: Claim, terms: CallTerms) -> bool:
        """Whether what is on disk came of this very call, and not of that of a process which was taken for lost."""
        session_id = str(claim.session_id)
        if self._spool.find_incoming(session_id, terms.kind) is None:
            return False
        try:
            about = self._spool.read_incoming(session_id, terms.kind).about
        except (DamagedFile, SealedWithUnknownKey, UnknownFile):  # this call would have written what can be read
            return False
        return (about.get("fence"), about.get("attempt")) == (claim.fence, claim.attempt)

    def _park(self, claim: Claim, terms: CallTerms, reason: str) -> None:
        name = self._spool.park_incoming(str(claim.session_id), terms.kind, reason).name
        log.error("paid_answer_parked", call=terms.name, session_id=str(claim.session_id), reason=reason, file=name)


def _require_time(leaves_by: float) -> None:
    if time.monotonic() > leaves_by:
        raise CallTooLate


def _response_of(kept: KeptAnswer) -> HttpResponse:
    return HttpResponse(int(kept.about.get("status", 200)), kept.about.get("headers", {}), kept.body)
