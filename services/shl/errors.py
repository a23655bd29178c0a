"""Why SMART Health Links refuse. Each error carries the code of the one table of codes, and the facts that go with it.

Errors: HealthLinksError (not retryable)
    MalformedFiles, ExpiredAlready
    LinkNotFound
    WrongPasscode
    TriesUnderWay (retryable)
    TooManyLinks
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class HealthLinksError(Exception):
    """Nothing was written but what the error says."""

    retryable = False
    code: ClassVar[str]

    def __init__(self, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.code)
        self.details = details


class MalformedFiles(HealthLinksError):
    """A file that is no compact JWE of its content type, or two under one nonce."""

    code = "VALIDATION_FAILED"

    def __init__(self, position: int) -> None:
        super().__init__({f"files.{position}.jwe": ["암호화된 파일의 형식이 맞지 않아요."]})


class ExpiredAlready(HealthLinksError):
    """It would end before it begins."""

    code = "VALIDATION_FAILED"

    def __init__(self) -> None:
        super().__init__({"exp": ["앞으로의 시각을 초로 보내 주세요."]})


class LinkNotFound(HealthLinksError):
    """Unknown, inactive, or not theirs: they look alike."""

    code = "LINK_NOT_FOUND"


class WrongPasscode(HealthLinksError):
    """Or none. One that was wrong has been counted; `remaining` is how many more may be."""

    code = "PASSCODE_WRONG"

    def __init__(self, remaining: int) -> None:
        super().__init__({"remainingAttempts": remaining})
        self.remaining = remaining


class TriesUnderWay(HealthLinksError):
    """Those that are being compared may be the last ones: this one has not been looked at."""

    retryable = True
    code = "RATE_LIMITED"


class TooManyLinks(HealthLinksError):
    code = "TOO_MANY_LINKS"
