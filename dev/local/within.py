"""`python -m dev.local.within COMMAND ...`: a command with the environment of the demo that `make run` runs."""

import os
import sys
from pathlib import Path

from dev.local.demo import DEMO_SETTINGS
from dev.local.errors import LocalError, StartFailedError
from dev.local.postgres import database_url
from dev.local.programs import ROOT, Ports
from dev.local.secrets import demo_environment
from dev.local.valkey import redis_url


def demo_home() -> Path:
    return Path(os.environ.get("WELNO_HOME") or ROOT / ".welno").resolve()


def demo_ports() -> Ports:
    """Raises PortTakenError when WELNO_PORT is no port."""
    return Ports.counted_from(os.environ.get("WELNO_PORT") or "8000")


def read_environment(home: Path, ports: Ports) -> dict[str, str]:
    """Raises StartFailedError when there is no demo in that home folder yet."""
    if not (home / "secrets").exists() or ports.postgres is None or ports.valkey is None:
        raise StartFailedError(f"there is no demo in {home} yet; start it with: make run")
    environment = demo_environment(
        home,
        database_url=database_url(home, ports.postgres),
        redis_url=redis_url(home, ports.valkey),
        sandbox_port=ports.sandbox,
        web_port=ports.web,
        flower_port=ports.flower,
    )
    return {**environment, **DEMO_SETTINGS}


def main(command: list[str]) -> None:
    try:
        env = read_environment(demo_home(), demo_ports())
    except LocalError as exc:
        sys.exit(f"error: {exc}")
    os.execvpe(command[0], command, env)  # noqa: S606 no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
