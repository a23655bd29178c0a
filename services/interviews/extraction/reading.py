"""Has one file read by a child process of its own: no secrets, no files, bounded in time, memory and output."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from services.interviews.extraction.child import MAX_TEXT_BYTES, OK
from services.interviews.extraction.failures import FileFault, FileUnusable, ReaderUnavailable
from services.interviews.extraction.kinds import FileKind

WALL_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[3]
_COMMAND = (sys.executable, "-s", "-B", "-m", "services.interviews.extraction.child")
# All that the child knows of us. Nothing of our own environment: it holds the secrets.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONUTF8": "1", "MALLOC_ARENA_MAX": "1"}
_LONGEST_CODE = 32
# An init system may tell every process of a service, also this one: that says nothing of the file.
_TOLD_TO_STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class ReaderProcesses:
    """The readers at work for this process, which may have to end them before they are done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.is_stopped = False

    @contextlib.contextmanager
    def one(self, child: "subprocess.Popen[bytes]") -> Iterator[None]:
        with self._lock:
            self._running.add(child)
        try:
            if self.is_stopped:
                _kill_group(child)
            yield
        finally:
            with self._lock:
                self._running.discard(child)

    def kill_all(self) -> None:
        """For good: who waits for one gets ReaderUnavailable."""
        self.is_stopped = True
        with self._lock:
            for child in self._running:
                _kill_group(child)


def extract_text(
    kind: FileKind,
    pieces: Iterable[bytes],
    *,
    max_characters: int,
    wall_seconds: float = WALL_SECONDS,
    readers: ReaderProcesses | None = None,
) -> str:
    """The file's text, cleaned. Raises FileUnusable, and ReaderUnavailable when the reader itself is at fault, or was
    ended by `readers`.

    What `pieces` raises comes out, too: nobody takes half a file for the whole.
    """
    code, text = _run_child(kind, pieces, wall_seconds, readers or ReaderProcesses())
    if code != OK:
        raise FileUnusable(FileFault(code))
    if len(text) > max_characters:
        raise FileUnusable(FileFault.TEXT_TOO_LONG)
    return text


def _run_child(
    kind: FileKind, pieces: Iterable[bytes], wall_seconds: float, readers: ReaderProcesses
) -> tuple[str, str]:
    try:
        child = subprocess.Popen(  # noqa: S603 our own module, and a kind out of seven
            [*_COMMAND, str(kind)],
            cwd=_ROOT,
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a parser's complaint may quote the file
            start_new_session=True,
        )
    except OSError as exc:
        raise ReaderUnavailable from exc
    with _killed_at_last(child, wall_seconds), readers.one(child):
        feeding = Feeding(child.stdin, pieces)
        output = child.stdout.read(MAX_TEXT_BYTES + _LONGEST_CODE) if child.stdout else b""
        killed_by = _wait_for_end(child)
        feeding.finish()
    if killed_by in _TOLD_TO_STOP or (killed_by and readers.is_stopped):
        raise ReaderUnavailable
    if killed_by:  # at work, by its limits or by ours
        return FileFault.FILE_TOO_COMPLEX, ""
    code, _, text = output.partition(b"\n")
    name = code.decode("ascii", "replace")
    if name != OK and name not in set(FileFault):
        raise ReaderUnavailable
    return name, text.decode("utf-8", "replace")


class Feeding:
    """Writes the file into the child, which may stop reading at any moment."""

    def __init__(self, pipe: IO[bytes] | None, pieces: Iterable[bytes]) -> None:
        self._pipe = pipe
        self._pieces = pieces
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Raises what the pieces have raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        if self._pipe is None:
            return
        with contextlib.suppress(BrokenPipeError), self._pipe:
            self._write_pieces(self._pipe)

    def _write_pieces(self, pipe: IO[bytes]) -> None:
        source = iter(self._pieces)
        while True:
            try:
                piece = next(source, None)
            except BaseException as exc:  # noqa: BLE001 given to whoever asked for the text
                self._error = exc
                return
            if piece is None:
                return
            pipe.write(piece)


@contextlib.contextmanager
def _killed_at_last(child: "subprocess.Popen[bytes]", wall_seconds: float) -> Iterator[None]:
    timer = threading.Timer(wall_seconds, _kill_group, [child])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _kill_group(child)
        child.wait()
        if child.stdout:
            child.stdout.close()


def _wait_for_end(child: "subprocess.Popen[bytes]") -> int:
    """The signal that killed it, or 0. It stays unreaped, so that its number is nobody else's when its group is
    killed."""
    ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    is_killed = ended is not None and ended.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
    return ended.si_status if ended is not None and is_killed else 0


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    """With whatever it has started."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
