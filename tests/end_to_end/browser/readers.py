"""Tabs that follow a session's stream by the SDK alone and write down what they are told, and who appends to it."""

import itertools
import random
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import BrowserContext, Page, WebSocket

from core.clock import clock
from core.names import Event, session_subject
from core.settings import Settings
from services.stores import build_stores
from streams import Position
from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product
from tests.waiting import WAIT_SECONDS, wait_until

_FOLLOW = """async (id) => {
    const { connect, sessionStream } = await import("/static/sdk/welno.js");
    const told = (globalThis.told = { log: [], states: [] });
    globalThis.line = connect(sessionStream(id), {
        onEvent: ({ epoch, seq }) => told.log.push(["event", epoch, seq]),
        onStatus: (_, { epoch, seq }) => told.log.push(["resync", epoch, seq]),
        onState: (state, reason) => told.states.push(reason ? `${state}: ${reason}` : state),
    });
}"""
_WRONG = "{} comes after {}"


@dataclass
class Reader:
    """One tab."""

    page: Page
    sockets: list[WebSocket] = field(default_factory=list)

    @property
    def log(self) -> list[tuple[str, str, int]]:
        """`event` and `resync`, each with the place it led to."""
        return [tuple(entry) for entry in self.page.evaluate("told.log")]

    @property
    def seen(self) -> list[int]:
        return [seq for kind, _, seq in self.log if kind == "event"]

    @property
    def states(self) -> list[str]:
        found: list[str] = self.page.evaluate("told.states")
        return found

    @property
    def state(self) -> str:
        return str(self.page.evaluate("line.state"))

    @property
    def place(self) -> Position:
        cursor: dict[str, Any] = self.page.evaluate("line.cursor")
        return Position(cursor["epoch"] or "", cursor["seq"])

    @property
    def is_leading(self) -> bool:
        return bool(self.page.evaluate("line.isLeading"))

    @property
    def open_sockets(self) -> int:
        return sum(not socket.is_closed() for socket in self.sockets)

    def wait_for_state(self, state: str, timeout: float = WAIT_SECONDS) -> None:
        wait_until(lambda: self.state == state, timeout)

    def wait_for(self, seqs: list[int], timeout: float = WAIT_SECONDS) -> None:
        wait_until(lambda: len(self.seen) >= len(seqs), timeout)
        assert self.seen == seqs

    def hears_that_the_network_is_back(self) -> None:
        self.page.evaluate("dispatchEvent(new Event('online'))")


@dataclass
class Following:
    """All tabs of one browser that follow one session."""

    context: BrowserContext
    visit: Visit
    url: str
    readers: list[Reader] = field(default_factory=list)

    def open_tab(self) -> Reader:
        reader = Reader(self.context.new_page())
        reader.page.on("websocket", lambda socket: reader.sockets.append(socket))  # noqa: PLW0108 Playwright marks it
        reader.page.goto(f"{self.url}/")
        reader.page.evaluate(_FOLLOW, self.visit.session_id)
        self.readers.append(reader)
        return reader

    def close_tab(self, reader: Reader) -> None:
        self.readers.remove(reader)
        reader.page.close()

    @property
    def open_sockets(self) -> int:
        return sum(reader.open_sockets for reader in self.readers)

    @property
    def leader(self) -> Reader:
        [leader] = wait_until(lambda: [reader for reader in self.readers if reader.is_leading])
        return leader


class Author:
    """Appends events to a session's stream, now or all the time while the block runs."""

    def __init__(self, product: Product, visit: Visit, dice: random.Random | None = None) -> None:
        self._stores = build_stores(Settings.read(product.stack.env), clock, lambda _: None)
        self._subject = session_subject(visit.session_id)
        self._dice = dice or random.Random(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="author")
        self._numbers = itertools.count(1)

    def append(self, count: int = 1) -> None:
        for _ in range(count):
            body = {"type": str(Event.SESSION_EXTENDED), "number": next(self._numbers)}
            with self._stores.unit_of_work() as work:
                work.emit(self._subject, body)

    @property
    def end(self) -> Position:
        [end] = self._stores.streams.positions([self._subject])
        return end

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._stores.close()

    def _write(self) -> None:
        while not self._over.wait(self._dice.uniform(0, 0.15)):
            self.append(self._dice.choice((1, 1, 1, 5)))


def check_order(log: list[tuple[str, str, int]]) -> None:
    """From the first event on each once and in order; only a `resync` may lead elsewhere."""
    epoch, seq = "", 0
    for kind, its_epoch, its_seq in log:
        if kind == "event":
            assert its_epoch == epoch or not epoch, _WRONG.format((its_epoch, its_seq), (epoch, seq))
            assert its_seq == seq + 1, _WRONG.format((its_epoch, its_seq), (epoch, seq))
        epoch, seq = its_epoch, its_seq
