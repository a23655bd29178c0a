"""The members' pages in a real Chromium, before the app behind gunicorn: two browsers, two accounts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.chromium import FLAGS, WAIT_MILLISECONDS
from tests.integration.interviews.company import PASSWORD, World
from tests.integration.webapp.server import Server

from .analyses import Analyses

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
Visit = Callable[..., Page]


@pytest.fixture(scope="package")
def server(demo_env: dict[str, str], server_home: Path) -> Iterator[Server]:
    with Server(demo_env, server_home / "pages_web.log") as started:
        yield started


@pytest.fixture(scope="package")
def chromium(chromium_program: str) -> Iterator[Browser]:
    """Ends with this folder's tests: in the event loop that Playwright keeps running others could not start theirs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def analyses(app: Flask, world: World) -> Analyses:
    return Analyses(app, world)


@pytest.fixture
def open_page(chromium: Browser, server: Server, world: World) -> Iterator[Visit]:
    """Takes a path and what Playwright's `new_context` takes; no visit may break a script or the policy."""
    del world
    complaints: list[str] = []
    contexts = []

    def make(path: str, **traits: object) -> Page:
        context = chromium.new_context(locale="ko-KR", **{"viewport": DESKTOP, **traits})  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("console", lambda message: _note(message, complaints))
        page.goto(server.url + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def visit(open_page: Visit, world: World) -> Visit:
    """Somebody signs in, before the project."""

    def make(name: str, **traits: object) -> Page:
        page = open_page(f"/login?next=/projects/{world.food}", **traits)
        sign_in(page, name)
        expect(page.get_by_role("heading", name="배달 앱 연구")).to_be_visible()
        return page

    return make


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("이메일").fill(f"{name}@demo.test")
    page.get_by_label("비밀번호").fill(password)
    page.get_by_role("button", name="로그인").click()


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    """A refused or cut call is told in the console too; that is part of many tests."""
    if message.type == "error" and not message.text.startswith("Failed to load resource"):
        complaints.append(f"console: {message.text}")
