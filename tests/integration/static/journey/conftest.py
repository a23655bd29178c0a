"""The journey's pages in a real Chromium, before servers whose answers a test gives."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from tests.chromium import FLAGS, WAIT_MILLISECONDS
from tests.integration.static.journey.hospital import Hospital
from webapp import journey_pages, pages

ROOT = Path(__file__).resolve().parents[4]
PHONE = {"width": 360, "height": 640}
# What a phone does beside showing: told to the test, as a headless browser has neither loudspeaker nor motor.
_WATCHED = """
globalThis.told = { tones: 0, vibrations: [], spoken: [] };
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) { told.tones += 1; return start.apply(this, at); };
navigator.vibrate = (pattern) => told.vibrations.push(pattern);
if (globalThis.speechSynthesis) speechSynthesis.speak = ({ text }) => told.spoken.push(text);
"""

OpenPage = Callable[..., Page]


@contextmanager
def serve_pages(note: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """The pages without the API; `note` hears each path that is asked for."""
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(journey_pages.blueprint)
    app.before_request(lambda: note(request.path))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def pages_url() -> Iterator[str]:
    with serve_pages() as url:
        yield url


@pytest.fixture(scope="package")
def chromium(chromium_program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def hospital() -> Hospital:
    return Hospital()


@pytest.fixture
def open_page(chromium: Browser, pages_url: str, hospital: Hospital) -> Iterator[OpenPage]:
    """Takes a path, a script to begin with, and what Playwright's `new_context` takes; no visit may break a script or
    the policy."""
    complaints: list[str] = []
    contexts = []

    def make(path: str, script: str = "", **traits: object) -> Page:
        context = chromium.new_context(locale="ko-KR", **{"viewport": PHONE, **traits})  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MILLISECONDS)
        context.add_init_script(_WATCHED + script)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("console", lambda message: _note(message, complaints))
        hospital.open_to(page)
        page.goto(pages_url + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    """A refused or cut call is told in the console too; that is part of many tests."""
    if message.type == "error" and not message.text.startswith(("Failed to load resource", "WebSocket connection to")):
        complaints.append(f"console: {message.text}")
