"""For programs under libfaketime: its 0.9.10 refuses the call by which Python sleeps since 3.11, so sleep as before."""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep  # type: ignore[assignment] # nobody here gives an index
