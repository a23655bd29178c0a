"""Runs what is slow and only computes where it does not hold up the other requests of this process."""

from collections.abc import Callable
from typing import Any, TypeVar

from gevent import get_hub
from gevent.monkey import is_module_patched

R = TypeVar("R")


def run_off_loop(function: Callable[..., R], *args: Any) -> R:
    """In a native thread when a loop runs here, in place elsewhere. The function must not touch sockets or
    stores, but for the spool: in a bucket it has a client for each native thread."""
    if not is_module_patched("threading"):
        return function(*args)
    result: R = get_hub().threadpool.apply(function, args)
    return result
