"""People behind a proxy that is to hide everything from them: what they were refused is written down."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import httpx
from websockets.exceptions import ConnectionClosed

from tests.end_to_end.crowd import Webs
from tests.end_to_end.person import Person, Visit
from tests.waiting import wait_until

T = TypeVar("T")

_COME_BACK = 1001
_EVERY_SECONDS = 0.05


class ProxiedWebs(Webs):
    """One address. `failures` are requests that were not answered, and sockets that broke without a word."""

    def __init__(self, url: str) -> None:
        super().__init__([url])
        self.failures: list[str] = []
        self.told_to_come_back = 0

    def ask(self, person: Person, browser: httpx.Client, call: Callable[[], T]) -> T:
        def noted() -> T:
            try:
                return call()
            except httpx.TransportError as exc:
                self.failures.append(f"{call}: {exc!r}")
                raise

        return super().ask(person, browser, noted)

    def _listen(self, visit: Visit, events: list[dict[str, Any]]) -> None:
        try:
            super()._listen(visit, events)
        except ConnectionClosed as exc:
            code = exc.rcvd.code if exc.rcvd else None
            self.told_to_come_back += code == _COME_BACK
            if code != _COME_BACK:
                self.failures.append(f"a socket was closed with {code}")
            raise
        except Exception as exc:
            self.failures.append(f"no socket opened: {exc!r}")
            raise


class Passers:
    """Who looks at these pages, one after another and all the time, each over a connection that stays."""

    def __init__(self, url: str, paths: Sequence[str]) -> None:
        self.failures: list[str] = []
        self.looks = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._look_at, args=(url, path)) for path in paths]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, looks: int) -> None:
        target = self.looks + looks
        wait_until(lambda: self.looks >= target, 60)

    def _look_at(self, url: str, path: str) -> None:
        with httpx.Client(base_url=url, timeout=20) as client:
            while not self._over.wait(_EVERY_SECONDS):
                try:
                    answer = client.get(path)
                except httpx.TransportError as exc:
                    self.failures.append(f"{path}: {exc!r}")
                    continue
                self.looks += 1
                if answer.status_code != 200:
                    self.failures.append(f"{path}: {answer.status_code}")
