"""What the product is measured against, each doing as many steps in the way that is usual for it."""

import subprocess
import sys

from dev.local.programs import ROOT

# An environment of their own: the product's lock file holds none of their packages.
PEERS_PYTHON = ROOT / ".venv" / "bench" / "bin" / "python"
_REQUIREMENTS = ROOT / "dev/requirements/bench.txt"


def install_peers() -> None:
    """Once; where that fails the tables are shorter, and say so."""
    if PEERS_PYTHON.exists():
        return
    print(f"installing {_REQUIREMENTS.relative_to(ROOT)} for the peers", flush=True)
    made = subprocess.run((sys.executable, "-m", "venv", PEERS_PYTHON.parents[1]), check=False)
    install = (PEERS_PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", _REQUIREMENTS)
    if made.returncode or subprocess.run(install, check=False).returncode:
        PEERS_PYTHON.unlink(missing_ok=True)
        print("the peers could not be installed", file=sys.stderr)
