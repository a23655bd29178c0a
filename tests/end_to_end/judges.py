"""Readers of a project's stream that share no code with ours: Chromium's EventSource, npm's `eventsource`, `httpx-sse`.

Each comes back by itself after a cut, with the place that it was told.
"""

import json
import os
import signal
import subprocess
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import httpx
from httpx_sse import SSEError, connect_sse
from playwright.sync_api import Browser, BrowserContext, Page

from dev.local.programs import ROOT

SCRIPT = Path(__file__).with_name("judge.mjs")
_COMES_BACK_SECONDS = 0.2
_LISTEN = """(url) => {
    Object.assign(globalThis, { heard: [], opened: 0, source: new EventSource(url) });
    source.onopen = () => { opened += 1; };
    source.onmessage = ({ data, lastEventId }) => heard.push({ id: lastEventId, body: JSON.parse(data) });
}"""

Message = dict[str, Any]


class Judge(AbstractContextManager["Judge"]):
    """`messages`: what was heard, each `{id, body}`; `opened`: how often it was let in."""

    def __exit__(self, *_: object) -> None:
        raise NotImplementedError

    @property
    def messages(self) -> list[Message]:
        raise NotImplementedError

    @property
    def opened(self) -> int:
        raise NotImplementedError

    @property
    def events(self) -> list[Message]:
        return [message for message in self.messages if "seq" in message["body"]]

    @property
    def seqs(self) -> list[int]:
        return [message["body"]["seq"] for message in self.events]

    @property
    def resyncs(self) -> int:
        return sum(message["body"]["type"] == "resync" for message in self.messages)


class HttpxJudge(Judge):
    """Comes back sooner than the server asks for, so that it is not in step with the others."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._headers = url, {"Authorization": f"Bearer {token}"}
        self._messages: list[Message] = []
        self._opened = 0
        self._place = ""
        self._is_left = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_left.set()

    @property
    def messages(self) -> list[Message]:
        return list(self._messages)

    @property
    def opened(self) -> int:
        return self._opened

    def _follow(self) -> None:
        with httpx.Client(timeout=40) as client:
            while not self._is_left.is_set():
                try:
                    self._read(client)
                except (httpx.HTTPError, SSEError):
                    self._is_left.wait(_COMES_BACK_SECONDS)

    def _read(self, client: httpx.Client) -> None:
        headers = self._headers | ({"Last-Event-ID": self._place} if self._place else {})
        with connect_sse(client, "GET", self._url, headers=headers) as source:
            source.response.raise_for_status()
            self._opened += 1
            for event in source.iter_sse():
                if self._is_left.is_set():
                    return
                self._place = event.id or self._place
                if event.data:
                    self._messages.append({"id": event.id, "body": json.loads(event.data)})


class NodeJudge(Judge):
    """npm's `eventsource` in a Node of its own."""

    def __init__(self, url: str, token: str) -> None:
        self._command = (str(ROOT / "dev" / "scripts" / "with-node"), "node", str(SCRIPT), url)
        self._environment = os.environ | {"JUDGE_TOKEN": token}
        self._lines: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._thread.join(10)
        if self._process.stdout:
            self._process.stdout.close()

    @property
    def messages(self) -> list[Message]:
        return [line for line in self._lines if "body" in line]

    @property
    def opened(self) -> int:
        return sum("opened" in line for line in self._lines)

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(json.loads(line))


class ChromiumJudge(Judge):
    """A browser's own EventSource, let in by the cookie. `home` is a page of the stream's origin."""

    def __init__(self, browser: Browser, home: str, url: str, cookie: tuple[str, str]) -> None:
        self._browser, self._home, self._url, self._cookie = browser, home, url, cookie
        self._context: BrowserContext

    def __enter__(self) -> Self:
        self._context = self._browser.new_context()
        name, value = self._cookie
        self._context.add_cookies([{"name": name, "value": value, "url": self._home}])
        self._page: Page = self._context.new_page()
        self._page.goto(self._home)
        self._page.evaluate(_LISTEN, self._url)
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    @property
    def messages(self) -> list[Message]:
        heard: list[Message] = self._page.evaluate("heard")
        return heard

    @property
    def opened(self) -> int:
        return int(self._page.evaluate("opened"))

    @property
    def is_closed(self) -> bool:
        """It has given up for good."""
        return bool(self._page.evaluate("source.readyState === EventSource.CLOSED"))
