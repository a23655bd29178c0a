"""Faults met while phones are asked for: counted, and told to operators once in a while, not once per session."""

import time

from prometheus_client import Counter

from core.logs import get_logger
from core.names import Step
from services.collection.failures import describe
from upstream.tilko.errors import TilkoError, TilkoMisconfigured

log = get_logger(__name__)

# With thousands of sessions waiting, an outage of the provider would fill the logs.
_TELL_EVERY_SECONDS = 10.0

FAULTS = Counter(
    "welno_approval_faults_total", "Polls for an approval that brought no answer about the person.", ["kind"]
)


class ApprovalFaults:
    """Of one poller."""

    def __init__(self) -> None:
        self._told_at: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def note(self, error: TilkoError) -> None:
        kind = type(error).__name__
        FAULTS.labels(kind).inc()
        self._untold[kind] = self._untold.get(kind, 0) + 1
        now = time.monotonic()
        if now - self._told_at.get(kind, -_TELL_EVERY_SECONDS) < _TELL_EVERY_SECONDS:
            return
        self._told_at[kind] = now
        facts = describe(error).detail | {"count": self._untold.pop(kind)}
        if isinstance(error, TilkoMisconfigured):
            log.error("provider_rejects_our_configuration", step=Step.POLL_SIMPLE_AUTH, **facts)
        else:
            log.warning("approval_not_answered", **facts)
