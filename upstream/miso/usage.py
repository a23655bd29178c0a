"""What MISO says that a run has used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """None where it says nothing."""

    total_tokens: int | None = None
    elapsed_seconds: float | None = None


UNKNOWN_USAGE = Usage()
