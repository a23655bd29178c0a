"""What can go wrong at MediArc.

MediarcError
├── ReportInputsMissing             nothing to predict from: nothing was sent
├── MediarcUnavailable (retryable)  429, 5xx, time-out, refused, broken response, malformed
├── MediarcMisconfigured            401, 403: stop, alert the operators
├── MediarcResponseTooLarge         the response exceeds our limit
├── MediarcAnswerUnreadable         it may have been paid for, and nobody can take its coding off
└── MediarcRefused                  any other status than 200
"""

from collections.abc import Sequence
from typing import ClassVar


class MediarcError(Exception):
    """str() and repr() hold fixed words and numbers only; `error_text` is the provider's own, cleaned: not for logs."""

    retryable: ClassVar[bool] = False
    text: ClassVar[str] = "MediArc could not be asked"

    def __init__(
        self,
        *,
        reason: str = "",
        http_status: int | None = None,
        error_text: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__()  # no args: they would show up in repr() and keep the error from being pickled
        self.reason = reason
        self.http_status = http_status
        self.error_text = error_text
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        facts = [self.reason] if self.reason else []
        if self.http_status is not None:
            facts.append(f"HTTP {self.http_status}")
        return f"{self.text} ({', '.join(facts)})" if facts else self.text


class ReportInputsMissing(MediarcError):
    """`missing` names the inputs, never their values."""

    text = "there is nothing to predict from"

    def __init__(self, missing: Sequence[str] = ()) -> None:
        super().__init__(reason=", ".join(missing))
        self.missing = list(missing)


class MediarcUnavailable(MediarcError):
    retryable = True
    text = "MediArc did not answer usably"


class MediarcMisconfigured(MediarcError):
    text = "MediArc does not accept our configuration"


class MediarcResponseTooLarge(MediarcError):
    text = "MediArc's answer exceeds the limit"


class MediarcAnswerUnreadable(MediarcError):
    text = "MediArc's answer cannot be read"


class MediarcRefused(MediarcError):
    text = "MediArc refused"
