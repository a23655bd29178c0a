"""Which of Tilko's calls tells whether a person has approved: not every version of its API has one for that."""

from collections.abc import Callable
from enum import Enum

from core.clock import clock

# A path that the provider has (again) after a deployment is found within so long.
LOOK_AGAIN_SECONDS = 60.0


class ApprovalPath(Enum):
    """The calls that can tell, the better ones first."""

    LOGIN_CHECK_V2 = "v2.0"
    LOGIN_CHECK_V1 = "v1.0"
    DATA_CALL = "data_call"


_LOGIN_CHECKS = (ApprovalPath.LOGIN_CHECK_V2, ApprovalPath.LOGIN_CHECK_V1)
_ALLOWED = {
    "auto": tuple(ApprovalPath),
    "login_check": _LOGIN_CHECKS,
    "data_call": (ApprovalPath.DATA_CALL,),
}


class ApprovalPaths:
    """What one process has learned of them; it forgets, so that no deployment of the provider pins us."""

    def __init__(self, mode: str, monotonic: Callable[[], float] = clock.monotonic) -> None:
        """`mode` is `auto`, `login_check` or `data_call`."""
        self._allowed = _ALLOWED[mode]
        self._monotonic = monotonic
        self._missing_until: dict[ApprovalPath, float] = {}

    def choose(self) -> ApprovalPath:
        """The best path that is not known to be missing; the best of all when each is."""
        if not self._missing_until:  # the usual case, thousands of times a second
            return self._allowed[0]
        return next((path for path in self._allowed if not self._is_missing(path)), self._allowed[0])

    def _is_missing(self, path: ApprovalPath) -> bool:
        until = self._missing_until.get(path)
        if until is None:
            return False
        now = self._monotonic()
        if now < until:
            return True
        self._missing_until[path] = (
            now + LOOK_AGAIN_SECONDS
        )  # one caller looks again, the others wait for what it finds
        return False

    def note_missing(self, path: ApprovalPath) -> bool:
        """The provider has no such path. Whether that is news."""
        is_news = path not in self._missing_until
        self._missing_until[path] = self._monotonic() + LOOK_AGAIN_SECONDS
        return is_news

    @property
    def all_missing(self) -> bool:
        return all(path in self._missing_until for path in self._allowed)

    def note_present(self, path: ApprovalPath) -> None:
        """It answered the question."""
        if self._missing_until:
            self._missing_until.pop(path, None)
