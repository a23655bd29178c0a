"""The commands around the product: Procfile, make's scripts."""

import os
import re
import subprocess
from pathlib import Path

from core.names import Queue
from dev.local.programs import ORDER, ROOT, Ports, interviews_program, list_programs, worker_program

PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def test_production_runs_the_same_processes_but_no_sandbox():
    assert set(PROCFILE) == set(ORDER) - {"sandbox"}
    assert not [command for command in PROCFILE.values() if "local" in command or "sandbox" in command]


def test_every_queue_has_a_worker_here_and_in_production():
    here = (worker_program("worker"), interviews_program("interviews"))
    for commands in (PROCFILE.values(), (" ".join(program.command) for program in here)):
        served = [
            queue for command in commands for found in re.findall(r"-Q (\S+)", command) for queue in found.split(",")
        ]
        assert sorted(served) == sorted(Queue)


def test_missing_python_is_named_with_its_remedy():
    env = {**os.environ, "PYTHON": "/nowhere/python3"}
    done = subprocess.run(
        [ROOT / "dev" / "scripts" / "make-venv"], check=False, env=env, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_lock_names_hashes_and_no_registry():
    for name in ("lock.txt", "node.txt"):
        text = (ROOT / "dev" / "requirements" / name).read_text()
        assert "--hash=sha256:" in text
        assert "index-url" not in text.replace("--no-emit-index-url", "")
        assert "http" not in re.sub(r"(?m)^[a-z0-9-]*http[a-z0-9-]*(\[.*\])?==|# +(via )?.*$", "", text)


def test_what_is_reached_over_http_listens_on_loopback_unless_told_otherwise():
    assert not [command for command in PROCFILE.values() if "0.0.0.0" in command]
    assert '"${WEB_HOST:-127.0.0.1}:' in PROCFILE["web"]
    assert '--address="${FLOWER_HOST:-127.0.0.1}"' in PROCFILE["flower"]


def test_beat_keeps_no_file(tmp_path: Path):
    for command in (PROCFILE["beat"], " ".join(list_programs(tmp_path, Ports(1, 2, 3))["beat"].command)):
        assert command.endswith(" beat --loglevel INFO")
