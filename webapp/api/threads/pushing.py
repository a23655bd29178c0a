"""Pushing envelopes: the one way in."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify
from flask_smorest import Blueprint
from limits import parse_many

from core.logs import get_logger
from services.threads.judging import judge_sender
from services.threads.pushing import PreparedPush, Verdict, commit_push, prepare_push, subjects_of
from streams import StreamsError
from webapp.api.documented import SECURITY_PUSH, fails
from webapp.api.threads import metrics
from webapp.api.threads.schemas.pushing import PushOutput
from webapp.auth.push_pass import Sender, find_holder_of, for_sender
from webapp.bodies import bounded_by_caller, read_json_body, takes_json
from webapp.current import stores
from webapp.error_codes import Code
from webapp.error_meanings import CODES
from webapp.errors import STORES_DOWN, ApiError, answer_api_error, reply, unavailable
from webapp.limits import LimitedUse, count_uses, share_left
from webapp.offloop import run_off_loop

log = get_logger(__name__)
blueprint = Blueprint("threads_pushing", __name__, url_prefix="/api/threads", description="Envelopes for threads")
_BODY_MAX_BYTES = 1024 * 1024
_ACTION = "thread-push"
_SLOW_SHARE, _SLOW_COMMIT_SECONDS, _SLOW_BEHIND = 0.25, 0.25, 1000
_SLOW_PAUSE_MS = 1000
_STOPPING = frozenset({429, 503})
_BODY = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["envelopes"],
            "properties": {"envelopes": {"type": "array", "maxItems": 100, "items": {"type": "object"}}},
        }
    }
}


@blueprint.post("/push-batch")
@blueprint.doc(security=SECURITY_PUSH, requestBody={"required": True, "content": _BODY})
@takes_json(_BODY_MAX_BYTES)
@bounded_by_caller
@for_sender
@blueprint.response(200, PushOutput)
@fails(blueprint, 400, 401, 403, 413, 415, 429)
def push(sender: Sender) -> Response:
    """Results in the order of the envelopes; one bad envelope blocks no other, and the whole may be repeated."""
    told = _read_envelopes()
    here = stores()
    prepared = _prepare(sender, told)
    if sender.only_device is None and (of_others := prepared.foreign_devices()):
        # What the last person at this computer left to be sent, while the next one is signed in.
        holder = find_holder_of(of_others)
        prepared = _prepare(holder, told) if holder is not None else prepared
    left = _count_envelopes(prepared)
    judged = run_off_loop(judge_sender, prepared.submissions, prepared.rights)
    began = here.clock.monotonic()
    verdicts = commit_push(here.threads, prepared, judged)
    took, behind = here.clock.monotonic() - began, _count_behind(verdicts)
    pressure = _pressure(left <= _SLOW_SHARE or took > _SLOW_COMMIT_SECONDS or behind > _SLOW_BEHIND)
    metrics.COMMIT_SECONDS.observe(took)
    metrics.BEHIND.inc(behind)
    metrics.PRESSURE.labels(pressure["level"]).inc()
    _count(verdicts)
    return jsonify({"success": True, "results": [_describe(one) for one in verdicts], "backpressure": pressure})


def _prepare(sender: Sender, told: list[Any]) -> PreparedPush:
    here = stores()
    longest = here.settings.threads.payload_max_bytes
    return prepare_push(here.threads, sender.caller, told, longest, only_device=sender.only_device)


def _read_envelopes() -> list[Any]:
    """Raises ApiError."""
    body = read_json_body(of_many=True)
    envelopes = body.get("envelopes") if isinstance(body, dict) and body.keys() == {"envelopes"} else None
    if not isinstance(envelopes, list) or not envelopes:
        raise ApiError(Code.VALIDATION_FAILED, details={"envelopes": ["1개부터 100개까지 보내 주세요."]})
    if len(envelopes) > stores().settings.threads.batch_max:
        raise ApiError(Code.BODY_TOO_LARGE)
    return envelopes


def _count_envelopes(prepared: PreparedPush) -> float:
    """What is left of the smallest rate of the devices. Raises ApiError: nothing of the batch was taken then."""
    rate = stores().settings.threads.rate
    by_device = prepared.count_by_device()
    # A batch that one device may not send takes nothing from the others' rates.
    count_uses(*(LimitedUse(rate, _ACTION, device, count) for device, count in by_device.items()))
    return min(share_left(rate, _ACTION, device) for device in by_device)


@blueprint.errorhandler(ApiError)
def _answer_refusal(error: ApiError) -> Response:
    """Of a push as a whole. Whoever says that none is taken for now, also before its body is read, stops the sender."""
    if CODES[error.code].status not in _STOPPING:
        return answer_api_error(error)
    metrics.PRESSURE.labels("stop").inc()
    threads = stores().settings.threads
    most = min(threads.batch_max, *(item.amount for item in parse_many(threads.rate)))
    pause_ms = int(1000 * (error.retry_after_seconds or 1))
    stop = {"level": "stop", "retryAfterMs": pause_ms, "maxBatch": most}
    details = (error.details or {}) | {"backpressure": stop}
    return reply(error.code, details=details, retry_after_seconds=error.retry_after_seconds)


for _down in STORES_DOWN:
    blueprint.register_error_handler(_down, lambda error: _answer_refusal(unavailable(error)))


def _count_behind(verdicts: Sequence[Verdict]) -> int:
    """Numbers of this push's threads that are not in their streams yet. The push is done: who cannot say is slow."""
    ends = subjects_of(verdicts)
    try:
        found = stores().streams.positions(ends)
    except StreamsError:
        return _SLOW_BEHIND + 1
    return sum(max(0, end - at.seq) for end, at in zip(ends.values(), found, strict=True))


def _count(verdicts: Sequence[Verdict]) -> None:
    for one in verdicts:
        metrics.ENVELOPES.labels(one.refusal or one.status).inc()
    metrics.GAPS.inc(sum(one.gap is not None for one in verdicts))


def _pressure(is_slow: bool) -> Mapping[str, Any]:
    most = stores().settings.threads.batch_max
    if is_slow:
        return {"level": "slow", "retryAfterMs": _SLOW_PAUSE_MS, "maxBatch": max(1, most // 2)}
    return {"level": "none", "retryAfterMs": 0, "maxBatch": most}


def _describe(one: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = one.submission.echo() | {"status": one.status}
    if one.refusal is not None:
        return told | {"code": one.refusal, "message": CODES[Code(one.refusal)].message}
    told["seq"] = one.seq
    if one.gap is not None:
        told["gap"] = {"from": one.gap[0], "to": one.gap[1]}
    return told
