"""What can go wrong in the relay.

RelayError
    ProtocolError            the peer broke RFC 6455 or a size limit; carries the close code
    TooManySocketsError      a limit on sockets is reached; carries which
    SlowReaderError          more waited for a reader than it may keep waiting
    SubscriptionClosedError  the subscription ended (drained, or closed by its owner)
    RightLostError           the reader's right ended while it waited; carries the close code
    DrainingError            this process takes no new readers: it is about to stop
    NotDetachableError       the connection cannot leave the server (TLS in the server itself)
    AlreadyFollowedError     this socket follows that subject
    TooManySubjectsError     this socket follows as many subjects as it may
"""

from webapp.relay.closing import CloseCode


class RelayError(Exception):
    retryable = False


class ProtocolError(RelayError):
    def __init__(self, code: CloseCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class TooManySocketsError(RelayError):
    """`scope` is total, subject, address or person."""

    retryable = True

    def __init__(self, scope: str) -> None:
        super().__init__(f"too many sockets: {scope}")
        self.scope = scope

    @property
    def close_code(self) -> CloseCode:
        return CloseCode.TRY_AGAIN_LATER if self.scope == "total" else CloseCode.TOO_MANY


class SlowReaderError(RelayError):
    retryable = True


class SubscriptionClosedError(RelayError):
    retryable = True


class RightLostError(RelayError):
    """`code` is NOT_AUTHENTICATED or UNKNOWN."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(f"right lost: {code}")
        self.code = code


class DrainingError(RelayError):
    retryable = True


class NotDetachableError(RelayError):
    pass


class AlreadyFollowedError(RelayError):
    pass


class TooManySubjectsError(RelayError):
    pass
