"""Step 0: ask Tilko to send the push to the person's phone."""

from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from core.names import Event, Status, Step
from core.sealing import Sealer
from models.collection import CollectionRun
from services.collection.events import say
from services.collection.failures import Failure
from services.collection.paid_calls import SIMPLE_AUTH, PaidCalls
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.transitions import void_authentication
from services.delivery.unit_of_work import Work
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.tilko.client import AUTH_SECONDS, TilkoClient
from upstream.tilko.codec import AuthTokens
from upstream.tilko.errors import PushUncertain, TilkoError, TilkoUnavailable

# That a phone may get for one wish.
_MOST_PUSHES = 2


class RequestSimpleAuth(StepHandler):
    """Ends with the tokens kept and the run in the poller's hands. They are on disk before the commit: a lost database
    costs no second push. Only a lost process does, which bothers, and after which the older push leads nowhere."""

    step = Step.REQUEST_SIMPLE_AUTH
    start_status = Status.AUTH_REQUESTING

    def __init__(self, tilko: TilkoClient, calls: PaidCalls, sealer: Sealer, approve_within: timedelta) -> None:
        self._tilko = tilko
        self._calls = calls
        self._sealer = sealer
        self._approve_within = approve_within

    def run(self, claim: Claim) -> AuthTokens:
        """Raises PushUncertain when a push may have left at the second try or a later one, and no answer told of it:
        another is sent only if the person wishes it. A process that is lost right after a push has left raises nothing,
        and its successor sends one more."""
        has_left = False

        def ask(call: PaidCall) -> AuthTokens:
            def before_send() -> None:
                nonlocal has_left
                call.before_send()
                has_left = True

            return self._tilko.request_simple_auth(claim.person, replace(call, before_send=before_send))

        def read(reply: HttpResponse) -> AuthTokens:
            return self._tilko.read_simple_auth(reply, claim.person)

        try:
            return self._calls.obtain(claim, SIMPLE_AUTH, AUTH_SECONDS, ask, read)
        except TilkoUnavailable as exc:
            if has_left and _may_have_pushed(exc) and claim.attempt >= _MOST_PUSHES:
                raise PushUncertain(reason=exc.reason, http_status=exc.http_status) from exc
            raise

    def on_success(self, work: Work, run: CollectionRun, result: AuthTokens, *, claim: Claim, now: datetime) -> None:
        run.auth = self._sealer.seal(orjson.dumps(result.to_dict()), f"auth:{run.session_id}")
        run.polls = 0
        run.approve_by = now + self._approve_within
        data = {"cx_id": result.cx_id}
        say(work, run.session_id, Event.AUTH_KEY_RECEIVED, "인증 요청을 보냈어요.", now=now, data=data)
        message = "휴대폰에서 인증을 승인해 주세요."
        data = {"approve_by": run.approve_by.isoformat()}
        say(work, run.session_id, Event.AUTH_WAITING, message, now=now, status=Status.AUTH_PENDING, data=data)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        return refuse(work, run, failure, now)


def _may_have_pushed(error: TilkoUnavailable) -> bool:
    """Nothing came back, or a success that nobody can read; not a refusal, which a rotated key made a passing fault."""
    if isinstance(error.__cause__, TilkoError):
        return False
    return error.http_status is None or 200 <= error.http_status < 300


def refuse(work: Work, run: CollectionRun, failure: Failure, now: datetime) -> AfterFailure:
    """Tell the person why the authentication got nowhere: something of theirs to correct, or something of ours."""
    if failure.code in {"INFO_REQUIRED", "NOT_REGISTERED"}:
        run.status = Status.INFO_REQUIRED
        data = {"code": failure.code, "retry_available": True}
        say(work, run.session_id, Event.INFO_REQUIRED, failure.message, now=now, status=run.status, data=data)
        return AfterFailure.END
    if failure.code == "DECLINED":
        _say_declined(work, run, failure, now)
        return AfterFailure.STOP
    run.status = Status.ERROR
    data = {"code": failure.code, "retry_available": True}
    say(work, run.session_id, Event.ERROR, failure.message, now=now, status=run.status, data=data)
    return AfterFailure.STOP


def _say_declined(work: Work, run: CollectionRun, failure: Failure, now: datetime) -> None:
    """The person's own choice, and no error: only they may have it asked again."""
    void_authentication(run)
    run.status = Status.DECLINED
    run.error_code = run.error_detail = None
    data = {"code": failure.code, "retry_available": True}
    say(work, run.session_id, Event.DECLINED, failure.message, now=now, status=run.status, data=data)
