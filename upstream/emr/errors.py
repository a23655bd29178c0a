"""What can go wrong at the hospital's own system.

EmrError
├── EmrUnavailable (retryable)  429, 5xx, time-out, refused, broken response
├── EmrMisconfigured            401, 403: stop, alert the operators
└── EmrRefused                  any other status
"""

from typing import ClassVar


class EmrError(Exception):
    """`code` is a fixed word, for a row or a log; nothing of the answer is kept."""

    retryable: ClassVar[bool] = False
    code: ClassVar[str] = "failed"

    def __init__(self, http_status: int | None = None) -> None:
        super().__init__()
        self.http_status = http_status


class EmrUnavailable(EmrError):
    retryable = True
    code = "unavailable"


class EmrMisconfigured(EmrError):
    code = "misconfigured"


class EmrRefused(EmrError):
    code = "refused"
