"""One child process: started in its own group, logged to a file, ended for certain."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dev.local.errors import StartFailedError
from dev.local.stopping import check_stop

_LAUNCHER = Path(__file__).with_name("child.py")
_LOG_MAX_BYTES = 5 * 2**20
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class User:
    """Who a child runs as; `pass_closed_folders` lets it read below folders that are closed to that user."""

    uid: int
    gid: int
    pass_closed_folders: bool

    def as_argument(self) -> str:
        return f"{self.uid}:{self.gid}:{int(self.pass_closed_folders)}"


@dataclass
class Process:
    """A command that can be started, killed and started again.

    PDEATHSIG follows the *thread* that starts it: start children from a thread that lives as long as they shall.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: User | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL  # what the kernel sends when the supervisor has vanished
    _popen: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen is not None else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before it was started."""
        return self._popen.poll() if self._popen is not None else None

    @property
    def is_running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        if self.is_running:
            return
        user = self.user.as_argument() if self.user else ""
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(self.death_signal)), user]
        with open_log(self.log) as log:
            self._popen = subprocess.Popen(
                [*launcher, self._find_program(), *self.command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self.env is None else dict(self.env),
                cwd=self.cwd,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops the children in order
            )

    def _find_program(self) -> str:
        """Raises StartFailedError."""
        path = None if self.env is None else self.env.get("PATH")
        program = shutil.which(self.command[0], path=path)
        if program is None:
            raise StartFailedError(f"{self.name}: there is no program {self.command[0]}")
        return program

    def send(self, what: signal.Signals) -> None:
        """To this process alone; its own children are its own affair."""
        if self._popen is not None:
            self._popen.send_signal(what)

    def send_to_group(self, what: signal.Signals) -> None:
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, what)

    def kill(self) -> None:
        """The whole group, at once, without a chance to tidy up."""
        if self._popen is None:
            return
        self.send_to_group(signal.SIGKILL)
        self._popen.wait()

    def wait(self, timeout_seconds: float) -> bool:
        """True when it has ended in time."""
        if self._popen is None:
            return True
        try:
            self._popen.wait(max(timeout_seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, timeout_seconds: float = 8, *, with_signal: signal.Signals | None = None) -> None:
        """Ask, wait, then kill whatever is left of the group."""
        if self.is_running:
            self.send(with_signal or self.stop_signal)
            self.wait(timeout_seconds)
        self.kill()

    def wait_end(self, timeout_seconds: float) -> bool:
        """As `wait`, for long waits on the way up: raises StopRequested."""
        deadline = time.monotonic() + timeout_seconds
        while not self.wait(_LOOK_AGAIN_SECONDS):
            check_stop()
            if time.monotonic() > deadline:
                return False
        return True

    def wait_until(self, answers: Callable[[], bool], timeout_seconds: float) -> None:
        """Raises StartFailedError when it ends, or stays silent for too long; the last log lines are in the message.

        Raises StopRequested too.
        """
        deadline = time.monotonic() + timeout_seconds
        while not answers():
            check_stop()
            if self.wait(_LOOK_AGAIN_SECONDS):
                raise StartFailedError(f"{self.name} ended with {self.exit_code} before it answered\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartFailedError(f"{self.name} did not answer within {timeout_seconds:.0f} s\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log, for the person at the terminal."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (its log is empty)"


def open_log(path: Path) -> IO[bytes]:
    """Appends, readable by the owner alone; a log that has grown big becomes `.1` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_MAX_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
