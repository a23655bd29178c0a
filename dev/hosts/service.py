"""One service of a host, as the supervisor sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from dev.local.process import Process


def _is_ready_at_once() -> None:
    pass


def _always_answers() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """`start` is called on its host, again after it died; both it and `wait` raise LocalError.

    `wait` returns when it truly answers: what needs each other is started first, and waited for afterwards.
    `answers` tells so without waiting, of those services that need other hosts for it.
    """

    name: str
    start: Callable[[], None]
    process: Callable[[], Process]
    wait: Callable[[], None] = _is_ready_at_once
    answers: Callable[[], bool] = _always_answers
