"""What can go wrong while servers are started here.

LocalError
    PortTakenError        another program listens there
    HomeInUseError        a second supervisor on the same home folder
    HomeUnreachableError  PostgreSQL's own user cannot get at its folder
    StartFailedError      a process died, or did not answer in time
"""


class LocalError(Exception):
    """Root of this package's errors. Its text is a sentence for the person at the terminal."""

    retryable = False


class PortTakenError(LocalError):
    """Another program listens on a port that is needed."""


class HomeInUseError(LocalError):
    """Another supervisor holds the lock of this home folder."""


class HomeUnreachableError(LocalError):
    """The unprivileged user that runs PostgreSQL cannot reach the home folder or the binaries."""


class StartFailedError(LocalError):
    """A process ended, or stayed silent, before it answered."""

    retryable = True
