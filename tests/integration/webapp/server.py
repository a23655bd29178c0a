"""The app as it runs in production: behind gunicorn, in a process of its own."""

from pathlib import Path
from typing import Self

from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, web_program

from .people import ORIGIN


class Server:
    """The app as it runs in production, on the same stores as `app`."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        program = web_program("web", pick_port())
        self.url, self.log = program.url or "", log
        self.process = Process("web", program.command, log, env=env | {"WELNO_ALLOWED_ORIGINS": ORIGIN}, cwd=ROOT)

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_until(lambda: answers(f"{self.url}/healthz"), 60)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
