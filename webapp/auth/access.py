"""Notes on each view who may call it."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def mark_access(function: F, access: str) -> F:
    """Note on a view who may call it; a test reads it from every route."""
    function.access = access  # type: ignore[attr-defined]
    return function
