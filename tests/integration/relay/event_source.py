"""Reads server-sent events line by line, as a browser does."""

import http.client
import json
import socket
import struct
from typing import Self

from dev.local.ports import LOOPBACK
from tests.integration.relay.server import Server


class EventSource:
    """Reads an answer line by line, as a browser does."""

    def __init__(self, server: Server, subject: str, last_event_id: str = "0", query: str = "") -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=5)
        self._connection.request("GET", f"/sse/{subject}?{query}", headers={"Last-Event-ID": last_event_id})
        self._socket = self._connection.sock
        self.answer = self._connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.answer.close()
        self._connection.close()

    def reset(self) -> None:
        """The connection is broken off, and not closed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def next_block(self) -> dict[str, str]:
        """Field names and values; a comment is under "". Empty at the end of the answer."""
        block = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(":")
            block[name] = value.strip()
        return block

    def next_event(self) -> dict:
        while "data" not in (block := self.next_block()):
            assert block, "the answer has ended"
        return json.loads(block["data"]) | {"id": block.get("id")}
