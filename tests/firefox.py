"""How the tests drive Firefox: npm's puppeteer-core speaks WebDriver BiDi with it, in a Node of its own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.local.programs import ROOT

NO_FIREFOX = "there is no Firefox: install Firefox or Firefox ESR"
FIND_FIREFOX = ROOT / "dev" / "scripts" / "find-firefox"
_DRIVER = Path(__file__).with_suffix(".mjs")
_CLOSES_SECONDS = 20


class FirefoxError(AssertionError):
    """What a person wanted to do or to see did not come."""


@dataclass(frozen=True)
class Tab:
    """A person's only one, in a window and a browser context of their own; elements by Puppeteer's selectors.

    Each call waits, up to 30 seconds, for the element that it needs.
    """

    firefox: "Firefox"
    number: int
    url: str

    def goto(self, path: str) -> None:
        """A path of the product, or a whole address."""
        self._call("goto", self.url + path if path.startswith("/") else path)

    def reload(self) -> None:
        self._call("reload")

    def see(self, what: str, text: str = "") -> None:
        """Returns once the element is visible and has the text."""
        self._call("see", what, text)

    def miss(self, what: str) -> None:
        """Returns once no such element is visible."""
        self._call("miss", what)

    def click(self, what: str) -> None:
        self._call("click", what)

    def fill(self, what: str, text: str) -> None:
        self._call("fill", what, text)

    def press(self, key: str) -> None:
        self._call("press", key)

    def choose(self, what: str, value: str) -> None:
        self._call("choose", what, value)

    def upload(self, what: str, path: Path) -> None:
        self._call("upload", what, str(path))

    def evaluate(self, script: str) -> Any:
        return self._call("evaluate", script)

    def close(self) -> None:
        self._call("close")

    def _call(self, method: str, *arguments: str) -> Any:
        return self.firefox.call(method, self.number, *arguments)


@dataclass(frozen=True)
class Firefox:
    """One process of it. For one thread."""

    driver: "subprocess.Popen[str]"
    url: str

    def open(self, address: str) -> Tab:
        """For somebody who comes from this address, as a proxy would tell it: the limits per address are not tested."""
        return Tab(self, self.call("open", None, address), self.url)

    @property
    def complaints(self) -> list[str]:
        """What no visit may do, since this was last asked: break in a script, break the policy, ask another host."""
        found: list[str] = self.call("complaints", None)
        return found

    def call(self, method: str, tab: int | None, *arguments: str) -> Any:
        assert self.driver.stdin
        assert self.driver.stdout
        self.driver.stdin.write(json.dumps([method, tab, *arguments]) + "\n")
        self.driver.stdin.flush()
        answer = json.loads(self.driver.stdout.readline() or '{"error": "the driver has ended"}')
        if "error" in answer:
            raise FirefoxError(answer["error"])
        return answer["value"]


@contextmanager
def run_firefox(program: str, url: str, detour: int) -> Iterator[Firefox]:
    """Whatever it asks of this address goes over the port of the detour."""
    host = url.partition("//")[2]
    preferences = {
        "intl.accept_languages": "ko-KR",
        "network.socket.forcePort": f"{host.partition(':')[2]}={detour}",
    }
    command = [ROOT / "dev" / "scripts" / "with-node", "node", _DRIVER, program, host, json.dumps(preferences)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as driver:
        try:
            yield Firefox(driver, url)
        finally:
            assert driver.stdin
            driver.stdin.close()
            try:
                driver.wait(_CLOSES_SECONDS)
            except subprocess.TimeoutExpired:
                driver.kill()  # else this would wait for it without an end
                raise
