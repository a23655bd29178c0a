"""Calls that are made at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

ResultT = TypeVar("ResultT")
_TOGETHER_SECONDS = 5


def at_once(*functions: Callable[[], ResultT]) -> list[ResultT]:
    """Each by a thread of its own, all of which start together; what they give, in this order."""
    barrier = Barrier(len(functions))

    def call(function: Callable[[], ResultT]) -> ResultT:
        barrier.wait(_TOGETHER_SECONDS)
        return function()

    with ThreadPoolExecutor(len(functions)) as threads:
        return [future.result() for future in [threads.submit(call, function) for function in functions]]
