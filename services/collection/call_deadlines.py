"""Until when a call that costs money may be under way: in the run's row, by PostgreSQL's clock.

It is written with the start of the step that makes the call. While it stands nobody else asks, whatever has become of
the process that does. When it has passed, and no outcome was written, that process was lost between the bill and the
disk: whoever takes the run asks once more, which is counted.
"""

import time
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from models.collection import CollectionRun, CollectionStep, PaidAgain, RunState
from services.collection.call_turn import CallTurn
from services.collection.run_store import ClaimOutdated
from services.collection.step import Claim
from services.delivery.unit_of_work import Work


def read_turn(session: Session, run: CollectionRun) -> CallTurn:
    """What the run's row, which the caller has locked, says of the call. Costs a statement only after a process was
    lost."""
    if run.call_until is None:
        return CallTurn(time.monotonic())
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    left = (run.call_until - now).total_seconds()
    return CallTurn(stands_until=time.monotonic() + left) if left > 0 else CallTurn(asks_again=True)


def begin_again(work: Work, claim: Claim, call: str, seconds: float) -> None:
    """Write that the call is made once more, and until when, before it leaves. Raises ClaimOutdated."""
    now = renew_call(work, claim, seconds)
    work.session.execute(_COUNT_AGAIN, {"call": call})
    asked_again = CollectionStep(
        session_id=claim.session_id,
        step=claim.step,
        fence=claim.fence,
        attempt=claim.attempt,
        outcome="asked_again",
        reason="CALL_LOST",
        started_at=claim.started_at,
        ended_at=now,
    )
    work.session.add(asked_again)


def renew_call(work: Work, claim: Claim, seconds: float) -> datetime:
    """Until when the call may be under way, counted from now, which is the result. Raises ClaimOutdated when the run is
    another's by now."""
    held = update(CollectionRun).where(
        CollectionRun.session_id == claim.session_id,
        CollectionRun.fence == claim.fence,
        CollectionRun.run_state == RunState.RUNNING,
    )
    until = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    statement = held.values(call_until=until).returning(func.clock_timestamp())
    now: datetime | None = work.session.execute(
        statement.execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if now is None:
        raise ClaimOutdated(str(claim.session_id))
    return now


_COUNT_AGAIN = text("""
    insert into welno.welno_paid_again as counted (call, total) values (:call, 1)
    on conflict (call) do update set total = counted.total + 1
""")


def extend_call(work: Work, claim: Claim, seconds: float) -> None:
    """The answer has come, and the disk refuses it: nobody is to ask for it meanwhile, whoever holds the run by now."""
    until = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    work.session.execute(
        update(CollectionRun)
        .where(CollectionRun.session_id == claim.session_id, CollectionRun.call_until < until)
        .values(call_until=until)
        .execution_options(synchronize_session=False)
    )


def read_paid_again(session: Session) -> Mapping[str, int]:
    """How often each call was made once more, ever."""
    return {row.call: row.total for row in session.execute(select(PaidAgain)).scalars()}
