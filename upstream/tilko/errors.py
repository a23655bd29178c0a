"""What can go wrong at Tilko.

TilkoError
├── NotApproved (retryable)       not approved on the phone yet: keep waiting, no error for the person
├── WrongPersonalData             name, birth date, phone or authenticator do not fit: the person corrects them
├── NotRegistered                 no account with that authenticator
├── Declined                      the person declined on the phone: their own choice
├── TilkoUnavailable (retryable)  429, 5xx, time-out, refused, broken response, malformed
│   └── PushUncertain             a push may have been sent, and one more would be too many for one wish
├── TilkoMisconfigured            our API key or address: alert the operators
├── EndpointMissing               the provider has no such path: ask another one
├── TilkoResponseTooLarge         the response exceeds our limit
├── AnswerUnreadable              it may have been paid for, and says nothing that we can read: for people to look at
└── TilkoRefused                  any other refusal of the provider
    └── RefusedBeforeApproval (retryable)  it says nothing of the person, so it ends no wait: a fault
"""

from typing import ClassVar

from upstream.http.exchange import HttpResponse


class TilkoError(Exception):
    """str() and repr() hold fixed words and numbers only.

    `provider_message` and `error_log` are the provider's words, cleaned (see `upstream.redaction`) but still its own:
    `error_log` is for the operators' record of the run, `provider_message` must not be logged.
    """

    retryable: ClassVar[bool] = False
    text: ClassVar[str] = "Tilko could not be asked"

    def __init__(
        self,
        *,
        reason: str = "",
        http_status: int | None = None,
        provider_code: int | None = None,
        provider_message: str = "",
        error_log: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__()  # no args: they would show up in repr() and keep the error from being pickled
        self.reason = reason
        self.http_status = http_status
        self.provider_code = provider_code
        self.provider_message = provider_message
        self.error_log = error_log
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        facts = [self.reason] if self.reason else []
        if self.http_status is not None:
            facts.append(f"HTTP {self.http_status}")
        if self.provider_code:
            facts.append(f"code {self.provider_code}")
        return f"{self.text} ({', '.join(facts)})" if facts else self.text


class NotApproved(TilkoError):
    retryable = True
    text = "the person has not approved yet"


class WrongPersonalData(TilkoError):
    text = "Tilko does not know this person by the data given"


class NotRegistered(TilkoError):
    text = "the person has no account with this authenticator"

    def __init__(self, private_auth_type: str = "") -> None:
        super().__init__()
        self.private_auth_type = private_auth_type


class Declined(TilkoError):
    text = "the person has declined"


class TilkoUnavailable(TilkoError):
    retryable = True
    text = "Tilko did not answer usably"


class ApprovalUnknown(TilkoUnavailable):
    text = "Tilko does not know yet of an approval that it has told of"


class PushUncertain(TilkoUnavailable):
    retryable = False


class TilkoMisconfigured(TilkoError):
    text = "Tilko does not accept our configuration"


class EndpointMissing(TilkoError):
    text = "Tilko has no such path"


class TilkoResponseTooLarge(TilkoError):
    """`part`: as much of the answer as was read."""

    text = "Tilko's answer exceeds the limit"
    part: HttpResponse | None = None


class AnswerUnreadable(TilkoError):
    text = "Tilko's answer cannot be read"


class TilkoRefused(TilkoError):
    text = "Tilko refused"


class RefusedBeforeApproval(TilkoRefused):
    retryable = True
