"""When a push is asked for again by itself, and when only the person may have it sent once more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from core.sealing import Sealer
from services.collection.paid_calls import PaidCalls
from services.collection.step import Claim
from services.collection.steps.request_simple_auth import RequestSimpleAuth
from upstream.http.exchange import PaidCall
from upstream.tilko.client import TilkoClient
from upstream.tilko.errors import PushUncertain, RefusedBeforeApproval, TilkoUnavailable


@dataclass
class FailingTilko:
    error: TilkoUnavailable
    sends: bool = True

    def request_simple_auth(self, _: object, call: PaidCall) -> None:
        if self.sends:
            call.before_send()
        raise self.error


@dataclass(frozen=True)
class ClaimOfTry:
    attempt: int
    person: Any = None


class BareCalls:
    """Without a disk or a database."""

    def obtain(self, _claim: object, _terms: object, _seconds: float, ask: Any, _read: object) -> object:
        return ask(PaidCall())


def error_of(tilko: FailingTilko, attempt: int) -> Exception:
    calls, client = cast(PaidCalls, BareCalls()), cast(TilkoClient, tilko)
    step = RequestSimpleAuth(client, calls, cast(Sealer, None), timedelta(minutes=10))
    with pytest.raises(TilkoUnavailable) as caught:
        step.run(cast(Claim, ClaimOfTry(attempt)))
    return caught.value


def rotated() -> TilkoUnavailable:
    error = TilkoUnavailable(reason="key_rotated", http_status=200)
    error.__cause__ = RefusedBeforeApproval()
    return error


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_refusal_that_a_rotated_key_explains_has_sent_no_push(attempt: int):
    assert not isinstance(error_of(FailingTilko(rotated()), attempt), PushUncertain)


@pytest.mark.parametrize("status", [None, 200])
def test_the_second_push_that_nobody_knows_of_is_the_last(status: int | None):
    tilko = FailingTilko(TilkoUnavailable(reason="timed_out", http_status=status))
    assert not isinstance(error_of(tilko, 1), PushUncertain)
    assert isinstance(error_of(tilko, 2), PushUncertain)


@pytest.mark.parametrize(
    "tilko",
    [
        FailingTilko(TilkoUnavailable(reason="unreachable", http_status=None), sends=False),
        FailingTilko(TilkoUnavailable(reason="busy", http_status=503)),
    ],
)
def test_what_certainly_sent_nothing_is_tried_again(tilko: FailingTilko):
    assert not isinstance(error_of(tilko, 3), PushUncertain)
