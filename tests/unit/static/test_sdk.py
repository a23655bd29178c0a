"""The browser client's own tests, which node runs, count among all others."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_browser_client_keeps_its_promises() -> None:
    command = [str(ROOT / "dev" / "scripts" / "with-node"), "npm", "test", "--silent"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
