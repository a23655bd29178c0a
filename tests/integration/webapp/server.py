"""The app as it runs in production: behind gunicorn, in a process of its own."""

import urllib.request
from pathlib import Path
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, web_program

from .people import ORIGIN


class Server:
    """The app as it runs in production, on the same stores as `app`; `open_files` as `ulimit -n`."""

    def __init__(self, env: dict[str, str], log: Path, *, open_files: int | None = None) -> None:
        self.port = pick_port()
        program = web_program("web", self.port)
        self.url, self.log = program.url or "", log
        limited = ("sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh") if open_files else ()
        command = (*limited, *program.command)
        self.process = Process(
            "web", command, log, env=env | {"WELNO_ALLOWED_ORIGINS": f"{ORIGIN},{self.url}"}, cwd=ROOT
        )

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_until(lambda: answers(f"{self.url}/healthz"), 60)
        return self

    def sample(self, name: str, **labels: str) -> float:
        """One number of /metrics; 0 as long as nothing was counted."""
        for family in text_string_to_metric_families(self.metrics()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    def metrics(self) -> str:
        """All of /metrics, as Prometheus reads it."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as reply:
            text: str = reply.read().decode()
        return text

    def __exit__(self, *_: object) -> None:
        self.process.stop()
