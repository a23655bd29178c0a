"""A provider whose answers cost money, and what the run's row says of its calls."""

import gzip
from collections.abc import Callable

import orjson

from core.clock import clock
from core.names import Step
from services.collection.call_deadlines import read_paid_again
from services.collection.paid_calls import CHECKUPS, CallTerms
from services.collection.step import Claim
from services.collection.sweep import take_from_dead
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.tilko.answers import DataAnswer, read_data_response

from .conftest import World

GOOD = HttpResponse(200, {"Content-Type": "application/json"}, b'{"Status":"OK","ResultList":[{},null,{}]}')
ODD = HttpResponse(200, {}, b'{"Status":"OK","ResultList":[{"Ye')
LONG_REFUSAL = HttpResponse(
    200, {}, orjson.dumps({"Status": "Error", "Message": "오류", "ErrorLog": "x" * 300_000, "ResultList": None})
)
CODED_REFUSAL = HttpResponse(
    200, {"Content-Encoding": "gzip"}, gzip.compress(orjson.dumps({"Status": "Error", "Message": "오류"}))
)
TIMEOUT_SECONDS = 300.0


class Provider:
    """Answers with what it was given, and counts how often it is asked."""

    def __init__(self, response: HttpResponse = GOOD) -> None:
        self.response = response
        self.asked = 0

    def __call__(self, call: PaidCall) -> DataAnswer:
        call.before_send()
        self.asked += 1
        call.keep(self.response)
        return read_data_response(self.response)


def obtain(world: World, claim: Claim, ask: Callable[[PaidCall], DataAnswer], terms: CallTerms = CHECKUPS) -> int:
    return world.tools.calls.obtain(claim, terms, TIMEOUT_SECONDS, ask, read_data_response).count


def call_seconds_left(world: World, session_id: str) -> float | None:
    left = "select extract(epoch from call_until - clock_timestamp()) from welno.welno_collection_history"
    seconds = world.value(f"{left} where session_id = :id", id=session_id)
    return None if seconds is None else float(seconds)


def lose_process(world: World) -> None:
    """Its owner has no lease: it counts as dead, whatever it does."""
    assert world.unit(take_from_dead, clock.now()) >= 1


def end_call_time(world: World, session_id: str) -> None:
    world.execute(
        "update welno.welno_collection_history set call_until = clock_timestamp(), not_before = now()"
        " where session_id = :id",
        id=session_id,
    )


def fetching(world: World, step: Step = Step.FETCH_HEALTH_DATA) -> tuple[str, Claim]:
    return world.at(step)


def claimed(world: World, session_id: str, step: Step = Step.FETCH_HEALTH_DATA) -> Claim:
    claim = world.claim(session_id, step)
    assert claim is not None
    return claim


def outcomes(world: World, session_id: str) -> list[str]:
    return [outcome for _, outcome in world.steps(session_id)]


def paid_again(world: World, call: str = "checkups") -> int:
    with world.stores.sessions() as session:
        return read_paid_again(session).get(call, 0)
