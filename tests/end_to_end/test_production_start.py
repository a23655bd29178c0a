"""The Procfile's commands in an environment that lacks the secrets: each stops and says what to set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.local.programs import ROOT
from tests.waiting import COMMAND_SECONDS

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line.strip())
SECRETS = ("WELNO_SEALING_KEYS", "WELNO_JWT_SECRET", "WELNO_PSEUDONYM_KEY", "TILKO_API_KEY", "MEDIARC_API_KEY")
STORES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")


def start(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As a platform does: through a shell, with nothing but what it was told."""
    bare = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": os.environ.get("HOME", "/"), "PORT": "0"}
    return subprocess.run(
        ["sh", "-c", command],
        env=bare | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )


def test_the_procfile_names_every_process():
    assert set(LINES) == {"web", "worker", "interviews", "poller", "sweeper", "beat", "flower"}


@pytest.mark.parametrize("process", LINES)
def test_a_start_without_secrets_stops_and_names_each_of_them(process: str):
    ended = start(LINES[process])
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    sentence = next((line for line in said.splitlines() if "is not set" in line), "")
    assert [name for name in (*SECRETS, *STORES) if name not in sentence] == []


def test_neither_the_servers_nor_the_sandbox_of_the_demo_are_started_in_production():
    assert not [line for line in LINES.values() if "sandbox" in line or "local" in line]
