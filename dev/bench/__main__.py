"""All benches with small sizes, one after the other: `make bench`."""

import subprocess
import sys

from dev.bench import clients, pipeline, spool, waiting
from dev.bench.peers import PEERS_PYTHON
from dev.bench.relay import __main__ as relay
from dev.local.programs import ROOT


def main() -> int:
    """Everything in some minutes. The README names the sizes that it quotes."""
    _install_peers()
    pipeline.main(["--sessions", "60", "--rounds", "3", "--whole", "40"])
    spool.main(["--large", "3000", "--rounds", "3"])
    waiting.main(["--sessions", "2000", "--seconds", "15", "--peer-sessions", "100", "--peer-seconds", "8"])
    clients.main(["--rounds", "3", "--messages", "5000", "--commands", "4000", "--exchanges", "500"])
    relay.main(["--sockets", "1000", "--idle-seconds", "10", "--seconds", "3", "--rounds", "3"])
    return 0


def _install_peers() -> None:
    """Without them the tables are shorter, and say so."""
    if PEERS_PYTHON.exists():
        return
    folder = PEERS_PYTHON.parents[1]
    print("installing dev/requirements/bench.txt for the peers", flush=True)
    made = subprocess.run((sys.executable, "-m", "venv", folder), check=False)
    install = (
        PEERS_PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "-r",
        ROOT / "dev/requirements/bench.txt",
    )
    if made.returncode or subprocess.run(install, check=False).returncode:
        PEERS_PYTHON.unlink(missing_ok=True)
        print("the peers could not be installed", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
