"""moto's S3 as a server that writes down when each object was there: `--record FILE`, a line of a moment and a key.

It keeps its objects in memory, the record outlives it.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import unquote

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

_WRITES = frozenset({"PUT", "POST"})
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class RecordedWrites:
    """Around a WSGI application: a write that was answered by 200 made what its path names."""

    def __init__(self, application: Application, record: TextIO) -> None:
        self._application, self._record = application, record
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def note(status: str, *more: Any) -> Any:
            if environ["REQUEST_METHOD"] in _WRITES and status.startswith("200"):
                self._write(environ["PATH_INFO"])
            return start_response(status, *more)

        return self._application(environ, note)

    def _write(self, path: str) -> None:
        with self._lock:
            self._record.write(f"{time.time():.6f} {path}\n")
            self._record.flush()


def read_record(path: Path) -> Iterator[tuple[float, str]]:
    """The moments at which objects were written, and their keys behind the bucket's name."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        at, _, written = line.partition(" ")
        _, _, key = written.lstrip("/").partition("/")
        yield float(at), unquote(key)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.hosts.object_server", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--record", type=Path, required=True)
    given = parser.parse_args()
    os.environ["MOTO_PORT"] = str(given.port)
    with given.record.open("a") as record:
        application = RecordedWrites(DomainDispatcherApplication(create_backend_app), record)
        run_simple(given.host, given.port, application, threaded=True)


if __name__ == "__main__":
    main()
