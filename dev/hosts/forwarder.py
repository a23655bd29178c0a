"""Carries connections from one network into another: a socket belongs to the one in which it was opened."""

import asyncio
import contextlib
import socket
import threading

from dev.hosts.namespaces import Namespace

_CHUNK_BYTES = 65_536
_CONNECT_SECONDS = 5.0
_BACKLOG = 128


def listen(address: str, port: int) -> socket.socket:
    """In the network of the calling thread. Raises OSError when somebody else listens there."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


class Forwarder:
    """What comes to the listener goes on to the target, which is reached from inside of `inside` (None: from here)."""

    def __init__(self, listener: socket.socket, target: tuple[str, int], inside: Namespace | None) -> None:
        self._listener, self._target, self._inside = listener, target, inside
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        # The loop itself holds none of a connection whose client has nothing more to say.
        self._carrying: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        if self._inside is not None:
            self._inside.enter()
        server = self._loop.run_until_complete(asyncio.start_server(self._take, sock=self._listener))
        with contextlib.suppress(RuntimeError):  # it is stopped, and not run to an end
            self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._give_up_all())
        self._loop.close()

    async def _give_up_all(self) -> None:
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:  # a time-out is one, too
            writer.close()
            return
        ways = [
            asyncio.ensure_future(_pass_on(reader, far_writer)),
            asyncio.ensure_future(_pass_on(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            writer.close()
            far_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until its end, which is passed on as well: the other way may have more to say."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
        return
    writer.close()  # cut: the other side has to hear of it
