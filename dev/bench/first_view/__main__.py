"""What the trend page costs a phone on a slow line: bytes and time until it can be read, measured in Chromium.

    python -m dev.bench.first_view --treatments 420 --kilobits 1600 --latency-ms 150

"Checkups" is when what is to be looked at stands there, "treatments" when their first rows do, "all" when the charts
are drawn and every treatment is loaded. The floor is one file of as many bytes over such a line, reckoned.
Nothing is in its cache. Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from dev.bench.first_view.line import Line, SlowLine
from dev.bench.results import Metrics, Results, medians
from dev.bench.temporary_stack import open_stack
from dev.local.programs import ROOT
from dev.local.stack import Stack
from models.patients import ConsentKind

_PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")
_SETTINGS = {"WELNO_POLL_INTERVAL_SECONDS": "0.2", "WELNO_POLL_SLOW_MAX_SECONDS": "0.2"}
_PERSON = {"user_name": "김하늘", "birthdate": "19840517", "phone_no": "01077770001", "gender": "M"}
_PHONE: ViewportSize = {"width": 390, "height": 844}
_PATIENCE_MS = 60_000

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="first_view", description="The trend page's first view on a slow line.")
    parser.add_argument("--treatments", type=int, default=420)
    parser.add_argument("--checkups", type=int, default=10)
    parser.add_argument("--kilobits", type=int, default=1600, help="of the line, per second")
    parser.add_argument("--latency-ms", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    line = Line(options.kilobits, options.latency_ms)
    results = Results("first_view", vars(options))
    with open_stack(_PROCESSES, _SETTINGS) as stack, _browser() as browser:
        context = browser.new_context(locale="ko-KR", viewport=_PHONE)
        address = _collect(stack, context, options.treatments, options.checkups)
        rounds = [_view(context, address, line) for _ in range(options.rounds)]
        shown = medians(rounds)
        results.add_table("page", {"trend page": shown, "floor": _floor(line, shown)})
    results.finish()
    return 0


@contextmanager
def _browser() -> Iterator[Browser]:
    path = subprocess.run([ROOT / "dev/scripts/find-chromium"], check=True, capture_output=True, text=True).stdout
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path.strip(), args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()


def _collect(stack: Stack, context: BrowserContext, treatments: int, checkups: int) -> str:
    """The address of the trend of a person whose records are there, open to this browser."""
    person = _PERSON | {"prescriptions": treatments, "checkups": checkups}
    control = f"{stack.sandbox_url}/control"
    httpx.post(f"{control}/people", json=person).raise_for_status()
    api, call = f"{stack.web_url}/api/v1/tilko/session", context.request
    origin = {"Origin": stack.web_url}
    asked = _PERSON | {"private_auth_type": "0", "consents": list(ConsentKind)}
    session_id = call.post(f"{api}/start", data=asked, headers=origin).json()["session_id"]
    call.post(f"{api}/simple-auth?session_id={session_id}", headers=origin)
    pushed = _wait_for(lambda: httpx.get(f"{control}/requests").json()["requests"])
    httpx.post(f"{control}/approve", json={"CxId": pushed[-1]["CxId"]}).raise_for_status()
    done = _wait_for(lambda: _completed(call.get(f"{api}/{session_id}/status").json()))
    return f"{stack.web_url}/results-trend?uuid={done['patient_uuid']}"


def _completed(status: dict[str, Any]) -> dict[str, Any] | None:
    return status if status["status"] == "completed" else None


def _wait_for(find: Callable[[], T | None]) -> T:
    """Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        if found := find():
            return found
        time.sleep(0.2)
    raise TimeoutError("the collection did not come to its end")


def _view(context: BrowserContext, address: str, line: Line) -> Metrics:
    page = context.new_page()
    found: Metrics = {}
    with SlowLine(page, line) as slow:
        page.goto(address, wait_until="commit")
        expect(page.locator("#notable")).to_be_visible(timeout=_PATIENCE_MS)
        found |= slow.spent("checkups")
        expect(page.locator("#visits-rows li").first).to_be_visible(timeout=_PATIENCE_MS)
        found |= slow.spent("treatments")
        _wait_for_charts(page)
        found |= slow.spent("all")
    page.close()
    return found


def _wait_for_charts(page: Page) -> None:
    drawn = "() => globalThis.Chart && Object.keys(globalThis.Chart.instances).length > 0"
    page.wait_for_function(drawn, timeout=_PATIENCE_MS)
    page.wait_for_load_state("networkidle", timeout=_PATIENCE_MS)


def _floor(line: Line, shown: Metrics) -> Metrics:
    parts = {name.removesuffix("_kib"): kib for name, kib in shown.items() if name.endswith("_kib")}
    return {f"{part}_ms": line.seconds_for(int(kib * 1024)) * 1000 for part, kib in parts.items()}


if __name__ == "__main__":
    sys.exit(main())
