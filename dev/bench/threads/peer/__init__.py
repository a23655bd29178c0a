"""The peer of the threads: a server on Node with ioredis, which Redis alone numbers and keeps envelopes for."""

import shutil
from pathlib import Path

from dev.bench.relay import peers
from dev.local.ports import LOOPBACK, pick_port
from dev.local.programs import ROOT, Program

_SERVER = "threads-server.js"


def node_program() -> Program:
    """With the packages of the relay's peer, which are installed when they are missing. Raises PeerMissing."""
    peers.install_node()
    port = pick_port()
    shutil.copy(Path(__file__).parent / "server.js", peers.NODE / _SERVER)
    command = (str(ROOT / "dev/scripts/with-node"), "node", str(peers.NODE / _SERVER), str(port))
    return Program("node", command, f"http://{LOOPBACK}:{port}")
