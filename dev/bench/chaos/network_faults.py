"""A network that can be cut and stalled: TCP proxies between our processes and the stores, in a process of their own.

    python -m dev.bench.chaos.network_faults CONTROL_PORT NAME=LISTEN_PORT:TARGET_PORT ...

The control port takes one line, `NAME ACTION`, and answers `ok`. Actions:
- `cut`: open connections are reset, new ones are reset as soon as they arrive, as by a host that went away.
- `stall`: nothing passes in either direction and nobody is told, as by a switch that drops packets.
- `heal`: everything passes again; what was held back by a stall is delivered.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

_LOOPBACK = "127.0.0.1"
_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class ProxyRoute:
    """From a port of ours to a store."""

    name: str
    listen_port: int
    target_port: int
    is_cut: bool = False
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @classmethod
    def parse(cls, text: str) -> "ProxyRoute":
        name, _, ports = text.partition("=")
        listen, _, target = ports.partition(":")
        route = cls(name, int(listen), int(target))
        route.passing.set()
        return route

    def act(self, action: str) -> None:
        self.is_cut = action == "cut"
        if action == "stall":
            self.passing.clear()
        else:
            self.passing.set()
        if self.is_cut:
            for writer in list(self.writers):
                reset(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            reset(writer)
            return
        try:
            there_reader, there_writer = await asyncio.open_connection(_LOOPBACK, self.target_port)
        except OSError:
            reset(writer)
            return
        pair = {writer, there_writer}
        self.writers |= pair
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        finally:
            self.writers -= pair
            for one in pair:
                one.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self.passing.wait()
                writer.write(data)
                await writer.drain()
            # The other side may still have something to say: only this direction is over.
            writer.write_eof()
        except (OSError, RuntimeError):
            reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: the peer is told at once, and gets nothing of what was under way."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def serve(control_port: int, routes: Sequence[ProxyRoute]) -> None:
    known = {route.name: route for route in routes}

    async def handle_command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, _, action = (await reader.readline()).decode().strip().partition(" ")
        known[name].act(action)
        writer.write(b"ok\n")
        await writer.drain()
        writer.close()

    for route in routes:
        await asyncio.start_server(route.serve, _LOOPBACK, route.listen_port)
    control = await asyncio.start_server(handle_command, _LOOPBACK, control_port)
    await control.serve_forever()


def command(control_port: int, action: str, route: str, timeout_seconds: float = 5) -> None:
    """To a running proxy, about one of its routes. Raises ConnectionError."""
    with socket.create_connection((_LOOPBACK, control_port), timeout=timeout_seconds) as sock:
        sock.sendall(f"{route} {action}\n".encode())
        if sock.recv(16) != b"ok\n":
            raise ConnectionError("the proxy did not take the command")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [ProxyRoute.parse(text) for text in sys.argv[2:]]))
