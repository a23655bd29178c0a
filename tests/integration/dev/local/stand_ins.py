"""Small processes in place of the product's, and a supervisor that runs them as `make run` would."""

import sys
from pathlib import Path

from dev.local.ports import pick_port
from dev.local.programs import ROOT, Ports, Program
from dev.local.run import run, tell
from dev.local.stack import Stack

NAMES = ("sandbox", "web", "worker")
# Ends in good order on SIGTERM unless it is told to be deaf; `fail` ends at once.
_IDLE = "import signal, sys; 'deaf' in sys.argv and signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
_FAIL = "import sys; sys.exit('the cupboard is bare')"


def stand_in_programs(ports: Ports, worker: str = "idle") -> dict[str, Program]:
    code = _FAIL if worker == "fail" else _IDLE
    return {
        "sandbox": _server("sandbox", ports.sandbox),
        "web": _server("web", ports.web),
        "worker": Program("worker", (sys.executable, "-c", code, worker)),
    }


def make_stack(home: Path, worker: str = "idle", web_port: int | None = None) -> Stack:
    ports = Ports(web=web_port or pick_port(), sandbox=pick_port(), flower=pick_port())
    nothing = (sys.executable, "-c", "")
    programs = stand_in_programs(ports, worker)
    return Stack(home, ports, processes=NAMES, programs=programs, migrations=nothing, fast=True, tell=tell)


def _server(name: str, port: int) -> Program:
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(ROOT / "docs"))
    return Program(name, command, f"http://127.0.0.1:{port}")


if __name__ == "__main__":
    sys.exit(run(lambda: make_stack(Path(sys.argv[1]), *sys.argv[2:3])))
