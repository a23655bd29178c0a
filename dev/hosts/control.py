"""How a second shell speaks with the supervisor: a state file for its owner alone, and one request per connection."""

import json
import os
import queue
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from dev.hosts.errors import HostsError
from dev.local.errors import LocalError
from dev.local.ports import LOOPBACK

_STATE = "hosts.json"
# A killed host that is healed starts its services first, and a release that is retired lets its calls end.
_REPLY_SECONDS = 360.0
Request = dict[str, Any]
Handler = Callable[[Request], Any]


class ControlServer:
    """Made in the network of the person's shell. Requests wait for `serve_waiting`, of the thread that acts."""

    def __init__(self, home: Path) -> None:
        self._state = home / _STATE
        self._key = secrets.token_bytes(32)
        self._listener = Listener((LOOPBACK, 0), authkey=self._key)
        self._waiting: queue.Queue[tuple[Request, queue.Queue[dict[str, Any]]]] = queue.Queue()

    def start(self) -> None:
        """The state file is there from now on."""
        port = int(self._listener.address[1])
        draft = self._state.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"port": port, "key": self._key.hex()}, file)
        draft.replace(self._state)
        threading.Thread(target=self._accept_forever, daemon=True).start()

    def close(self) -> None:
        self._state.unlink(missing_ok=True)
        self._listener.close()

    def serve_waiting(self, handle: Handler, timeout_seconds: float) -> None:
        """At most one request; returns when none has come in time."""
        try:
            request, reply = self._waiting.get(timeout=timeout_seconds)
        except queue.Empty:
            return
        try:
            reply.put({"said": handle(request)})
        except LocalError as exc:
            reply.put({"error": str(exc)})

    def _accept_forever(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                continue  # of whoever has no key, or went away
            except OSError:
                return  # closed
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: "Connection[Any, Any]") -> None:
        # Bytes, not objects: what is unpickled may run.
        with connection, suppress(EOFError, OSError):
            reply: queue.Queue[dict[str, Any]] = queue.Queue()
            self._waiting.put((json.loads(connection.recv_bytes()), reply))
            connection.send_bytes(json.dumps(reply.get()).encode())


def ask(home: Path, request: Request) -> Any:
    """Raises HostsError when no hosts run in that home, or with the sentence of what went wrong."""
    try:
        state = json.loads((home / _STATE).read_text())
        with Client((LOOPBACK, state["port"]), authkey=bytes.fromhex(state["key"])) as connection:
            connection.send_bytes(json.dumps(request).encode())
            if not connection.poll(_REPLY_SECONDS):
                raise HostsError(f"the hosts did not answer within {_REPLY_SECONDS:.0f} s")
            reply = json.loads(connection.recv_bytes())
    except (FileNotFoundError, ConnectionError, EOFError) as exc:
        raise HostsError(f"no hosts run in {home}; start them with: make hosts") from exc
    if "error" in reply:
        raise HostsError(reply["error"])
    return reply["said"]
