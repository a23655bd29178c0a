"""A load in a process of its own, which is told `ready`, `go`, and answers with its metrics as one line of JSON.

What happens between `go` and the answer is what is measured; preparations and warm-up lie before it.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from dev.local.programs import ROOT

LoadAnswer = dict[str, Any]


class LoadFailed(Exception):
    """A load ended without its answer."""

    retryable = False


def serve_load(prepare: Callable[[int], Any], run: Callable[[Any], LoadAnswer]) -> None:
    """In the load's process: each line that asks for so many is prepared, announced, and run when told."""
    for line in sys.stdin:
        prepared = prepare(int(line))
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(run(prepared)), flush=True)


class LoadProcess:
    """In the bench's process."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=dict(env), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)

    def prepare(self, count: int) -> None:
        self._write(str(count))
        self._read()

    def go(self) -> LoadAnswer:
        self._write("go")
        answer: LoadAnswer = json.loads(self._read())
        return answer

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadFailed(f"{self._process.args!r} ended with {self._process.wait()}")
        return line
