"""What can go wrong at MISO.

MisoError
├── MisoUnreached (retryable)         the connection was never made: nothing was sent
├── MisoBusy (retryable)              429, 503: refused before anything ran
├── MisoAnswerLost (may be running)   cut, 408, 502, 504, time-out, silence: look for the run before anything else
├── MisoServerFailed (may be running) 500 and other 5xx: look for the run, then it counts as unavailable
├── MisoRejected                      any other 4xx
│   └── MisoMisconfigured             401, 403: our key or address
├── MisoWorkflowFailed                a whole answer of a workflow that did not succeed
└── MisoAnswerInvalid                 a whole answer that cannot be used, or one beyond our limits
"""

from typing import ClassVar

from upstream.miso.usage import UNKNOWN_USAGE, Usage


class MisoError(Exception):
    """str() and repr() hold fixed words, numbers and the provider's code, never its sentences: they may quote what was
    sent.

    `retryable`: asking again cannot be billed twice. `may_be_running`: the workflow may have begun, and be billed.
    `usage`: of a whole answer that says it, however little else can be made of it.
    """

    retryable: ClassVar[bool] = False
    may_be_running: ClassVar[bool] = False
    text: ClassVar[str] = "MISO could not be asked"

    def __init__(
        self,
        *,
        reason: str = "",
        http_status: int | None = None,
        provider_code: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__()  # no args: they would show up in repr() and keep the error from being pickled
        self.reason = reason
        self.http_status = http_status
        self.provider_code = provider_code
        self.retry_after_seconds = retry_after_seconds
        self.usage: Usage = UNKNOWN_USAGE

    def __str__(self) -> str:
        facts = [self.reason] if self.reason else []
        if self.http_status is not None:
            facts.append(f"HTTP {self.http_status}")
        if self.provider_code:
            facts.append(f"code {self.provider_code}")
        return f"{self.text} ({', '.join(facts)})" if facts else self.text


class MisoUnreached(MisoError):
    retryable = True
    text = "MISO was not reached"


class MisoBusy(MisoError):
    retryable = True
    text = "MISO is busy"


class MisoAnswerLost(MisoError):
    may_be_running = True
    text = "MISO's answer was lost"


class MisoServerFailed(MisoError):
    may_be_running = True
    text = "MISO failed"


class MisoRejected(MisoError):
    text = "MISO rejected the call"


class MisoMisconfigured(MisoRejected):
    text = "MISO does not accept our configuration"


class MisoWorkflowFailed(MisoError):
    """`reason` is the workflow's status."""

    text = "the workflow did not succeed"


class MisoAnswerInvalid(MisoError):
    """`reason`: not_json, no_outputs, cut_json, too_large, too_deep, unknown_coding, damaged_coding,
    too_many_documents."""

    text = "MISO's answer cannot be used"
