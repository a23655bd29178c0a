"""A crowd moves from a stopping process to another: no event lost or doubled, and nobody comes all at once."""

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from core.settings import RelaySettings
from dev.local.ports import LOOPBACK
from tests.integration.relay.server import Server
from tests.waiting import wait_until

READERS, SUBJECTS, EVENTS, SPREAD_SECONDS = 300, 30, 20, 3
LIMITS = RelaySettings(sockets_per_address=READERS, drain_spread_seconds=SPREAD_SECONDS)


@dataclass
class Reader:
    """A client as docs/relay.md wants it: sent away, it comes back after the delay it was told, with its place."""

    subject: str
    seen: list[int] = field(default_factory=list)
    told_ms: int = -1
    returned_at: float = 0.0

    async def follow(self, old: Server, new: Server, crowd: "Crowd") -> None:
        async with crowd.arriving:
            client = await connect(self._url(old), proxy=None)
        try:
            while True:
                await self._read(client)
        except ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code != 1001:
                raise
            self.told_ms = json.loads(closed.rcvd.reason)["retry_after_ms"]
        crowd.is_leaving.set()
        await asyncio.sleep(self.told_ms / 1000)
        self.returned_at = asyncio.get_running_loop().time()
        async with connect(self._url(new), proxy=None) as again:
            while len(self.seen) < EVENTS:
                await self._read(again)

    def _url(self, server: Server) -> str:
        return f"ws://{LOOPBACK}:{server.port}/ws/{self.subject}?after_seq={len(self.seen)}"

    async def _read(self, client) -> None:
        frame = json.loads(await asyncio.wait_for(client.recv(), 30))
        if "seq" in frame:
            self.seen.append(frame["seq"])


@dataclass
class Crowd:
    """They come a few at a time; `is_leaving` when the first was sent away."""

    arriving: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(20))
    is_leaving: threading.Event = field(default_factory=threading.Event)


def test_a_crowd_moves_to_another_process(tmp_path, redis_url, writer):
    readers = [Reader(f"s{n % SUBJECTS}") for n in range(READERS)]
    with (
        Server(tmp_path / "old", redis_url, LIMITS) as old,
        Server(tmp_path / "new", redis_url, LIMITS) as new,
    ):
        crowd = Crowd()
        thread = threading.Thread(target=write_and_stop, args=(old, writer, crowd))
        thread.start()
        asyncio.run(follow_all(readers, old, new, crowd))
        thread.join(30)
        assert new.sample("welno_relay_closed_total", transport="websocket", reason="3008") == 0
    assert all(reader.seen == list(range(1, EVENTS + 1)) for reader in readers)
    spread = Counter(int((reader.told_ms / 1000) / (SPREAD_SECONDS / 10)) for reader in readers)
    assert min(spread[tenth] for tenth in range(10)) >= READERS // 50
    assert max(spread.values()) <= READERS // 5
    returned = sorted(reader.returned_at for reader in readers)
    assert returned[-1] - returned[0] > SPREAD_SECONDS * 0.8


async def follow_all(readers: list[Reader], old: Server, new: Server, crowd: Crowd) -> None:
    await asyncio.gather(*(reader.follow(old, new, crowd) for reader in readers))


def write_and_stop(old: Server, writer, crowd: Crowd) -> None:
    """Half of the events before the process is told to stop, half while its readers are on their way."""
    wait_until(lambda: old.get("/count")["sockets"] == READERS, 60)
    write(writer, EVENTS // 2)
    old.terminate()
    assert crowd.is_leaving.wait(30)
    write(writer, EVENTS - EVENTS // 2)


def write(writer, count: int) -> None:
    for _ in range(count):
        for number in range(SUBJECTS):
            writer.write(f"s{number}")
