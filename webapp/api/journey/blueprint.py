"""What the journey's routes share: a slash at the end of an address is optional."""

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint


class JourneyBlueprint(Blueprint):  # type: ignore[misc] # the library has no types
    """Takes an address with and without a slash at its end."""

    def route(self, rule: str, **options: Any) -> Callable[[Any], Any]:
        options.setdefault("strict_slashes", False)
        declare: Callable[[Any], Any] = super().route(rule, **options)
        return declare
