"""`python -m dev.local.run`: the whole product on this machine, until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from dev.local.child import die_with
from dev.local.demo import DEMO_SETTINGS
from dev.local.errors import LocalError
from dev.local.home import hold_home
from dev.local.stack import Stack
from dev.local.stopping import StopRequested, check_stop, stop_on_signals
from dev.local.within import demo_home, demo_ports

_TEND_SECONDS = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--end-with-parent", action="store_true", help="also stop when the calling process vanishes")
    if parser.parse_args().end_with_parent:
        die_with(os.getppid(), signal.SIGTERM)
    return run(lambda: Stack(demo_home(), demo_ports(), DEMO_SETTINGS, tell=tell))


def run(make_stack: Callable[[], Stack]) -> int:
    """Serves until asked to stop; the exit code says whether everything could start."""
    return run_until_stopped(lambda: serve(make_stack()))


def run_until_stopped(serve: Callable[[], None]) -> int:
    """The exit code of a supervisor: 0 when it was asked to stop, 1 with the reason on stderr for a LocalError."""
    stop_on_signals()
    try:
        serve()
    except LocalError as exc:
        tell(f"error: {exc}", to_stderr=True)
        return 1
    except StopRequested:
        tell("stopped")
    return 0


def serve(stack: Stack) -> None:
    """Until StopRequested. Raises LocalError when something cannot start."""
    with hold_home(stack.home), stack:
        tell(f"ready: {stack.web_url}")
        tell(f"sandbox: {stack.sandbox_url}/phone")
        tell(f"flower: {stack.flower_url}")
        tend_forever(stack)


def tend_forever(stack: Stack) -> None:
    pause = threading.Event()
    while True:
        check_stop()
        stack.tend()
        pause.wait(_TEND_SECONDS)


def tell(line: str, *, to_stderr: bool = False) -> None:
    """A reader that has gone must not keep us from stopping in good order."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr if to_stderr else sys.stdout, flush=True)


if __name__ == "__main__":
    sys.exit(main())
