"""Finds free ports, and says which setting to change when one is taken."""

import os
import socket
import sys
import threading
import time
from collections import deque

from dev.local.errors import PortTakenError

LOOPBACK = "127.0.0.1"
# Many systems let a process open no more than 1,024 files.
_HELD_MAX = 100
_held: deque[int] = deque()


def pick_port() -> int:
    """A free port for a server that listens with SO_REUSEADDR, as servers do. On Linux nobody else is given it while
    this process lives and picks no hundred others: neither another that picks one, nor a connection on its way out."""
    probe = socket.socket()
    probe.bind((LOOPBACK, 0))
    port = int(probe.getsockname()[1])
    if sys.platform == "linux":
        # Bound and never listening. Set after the bind, else the kernel would share it with whoever asks for any port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(probe.detach())
        if len(_held) > _HELD_MAX:
            os.close(_held.popleft())
    else:
        probe.close()
    return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: connections of an earlier run that linger in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free(port: int, role: str, patience_seconds: float = 2.0) -> None:
    """Raises PortTakenError. Patient, as the servers of a run that was killed just now need a moment to end."""
    pause = threading.Event()
    deadline = time.monotonic() + patience_seconds
    while not is_free(port) and time.monotonic() < deadline:
        pause.wait(0.1)
    if not is_free(port):
        raise PortTakenError(f"port {port} ({role}) is taken; set WELNO_PORT to another first port")
