"""People who keep coming while something happens to the product, each followed to the end, whoever of it is alive."""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

import httpx
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.end_to_end.following import LAST, open_socket
from tests.end_to_end.person import Person, Visit, kind_of
from tests.end_to_end.provider import Provider
from tests.waiting import wait_until

T = TypeVar("T")

_GOING_AWAY = (OSError, WebSocketException, InvalidHandshake, EOFError)
_AT_ONCE = 12


@dataclass
class Webs:
    """The web processes of the moment. A client that finds one gone asks the next, as behind a proxy."""

    urls: Sequence[str]
    patience_seconds: float = 40
    _pause: threading.Event = field(default_factory=threading.Event, repr=False)

    def ask(self, person: Person, browser: httpx.Client, call: Callable[[], T]) -> T:
        def attempt() -> list[T]:
            for url in tuple(self.urls):
                person.web_url, browser.base_url = url, httpx.URL(url)
                try:
                    return [call()]
                except httpx.TransportError:
                    continue
            return []

        return wait_until(attempt, self.patience_seconds, every=0.2)[0]

    def follow(self, visit: Visit) -> list[dict[str, Any]]:
        """The numbered events up to the last one, over as many sockets as it takes."""
        events: list[dict[str, Any]] = []

        def listen() -> bool:
            for url in tuple(self.urls):
                visit.person.web_url = url
                try:
                    self._listen(visit, events)
                except _GOING_AWAY:
                    continue
                return True
            return False

        wait_until(listen, self.patience_seconds, every=0.2)
        return events

    def _listen(self, visit: Visit, events: list[dict[str, Any]]) -> None:
        after = events[-1]["seq"] if events else 0
        with open_socket(visit, after) as socket:
            while not events or kind_of(events[-1]) != LAST:
                frame = json.loads(socket.recv(timeout=40))
                if "seq" in frame:
                    events.append(frame)


class Site(Protocol):
    """Where they come to."""

    @property
    def provider(self) -> Provider: ...

    def meet(self) -> Person: ...


class Crowd:
    """Somebody comes every so often; on leaving the block nobody comes any more, and all have been followed."""

    def __init__(self, product: Site, webs: Webs, every_seconds: float = 1.5) -> None:
        self.visits: list[Visit] = []
        self.stories: list[list[dict[str, Any]]] = []
        self._product, self._webs, self._every_seconds = product, webs, every_seconds
        self._over = threading.Event()
        self._visitors = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="visitor")
        self._coming: list[Future[None]] = []
        self._door = threading.Thread(target=self._let_in, name="crowd")

    def __enter__(self) -> Self:
        self._door.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._door.join()
        self._visitors.shutdown()

    @property
    def arrived(self) -> int:
        return len(self._coming)

    def wait_for_more(self, people: int = 2, within_seconds: float = 60) -> None:
        """Until so many have come, and as many have been served, since now."""
        target, done = self.arrived + people, len(self.stories) + people
        wait_until(lambda: self.arrived >= target and len(self.stories) >= done, within_seconds)

    def check(self) -> None:
        """Everybody was served: each event once and in order, each answer paid for once."""
        for visitor in self._coming:
            visitor.result()
        for visit, story in zip(self.visits, self.stories, strict=True):
            assert [event["seq"] for event in story] == [*range(1, len(story) + 1)], visit.session_id
            assert [kind_of(event) for event in story].count(LAST) == 1
            assert self._product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}

    def _let_in(self) -> None:
        while not self._over.is_set():
            self._coming.append(self._visitors.submit(self._visit))
            self._over.wait(self._every_seconds)

    def _visit(self) -> None:
        person = self._product.meet().is_known_with()
        browser = person.browser()
        person.browser = lambda: browser  # type: ignore[method-assign] # one for the whole visit
        visit = self._webs.ask(person, browser, person.start)
        self._webs.ask(person, browser, visit.asks_for_push)
        self._webs.ask(person, browser, lambda: visit.wait_for("auth_waiting", timeout=40))
        visit.approves()
        story = self._webs.follow(visit)
        self.visits.append(visit)
        self.stories.append(story)
