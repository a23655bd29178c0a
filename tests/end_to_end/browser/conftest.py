"""A real Chromium, before the real product, with a line between them that can be cut."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from dev.local.demo import demo_password, seed_command
from dev.local.programs import ROOT
from tests.chromium import FLAGS, WAIT_MILLISECONDS
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.person import new_address
from tests.end_to_end.product import Product
from tests.waiting import COMMAND_SECONDS

NewVisitor = Callable[..., Visitor]
Arrive = Callable[..., Page]
Upload = Callable[[Page, str, str], Path]
PROJECT = "배달 앱 연구"
SCRIPT = """진행자: 배달 앱은 언제 쓰세요?
김하늘: 퇴근길에 제일 많이 써요. 010-9876-5432로 전화 주세요.
김하늘: {complaint}
김하늘: 새벽에도 배달이 되면 좋겠어요.
"""


@pytest.fixture(scope="package")
def line(running_product: Product) -> Iterator[Line]:
    with Line(running_product.stack.ports.web) as line:
        yield line


@pytest.fixture(scope="package")
def chromium(chromium_program: str, running_product: Product, line: Line) -> Iterator[Browser]:
    """Whatever it asks of the web server goes over the line.

    It ends with this folder's tests: Playwright keeps an event loop running, in which others could not start theirs.
    """
    detour = f"--host-resolver-rules=MAP 127.0.0.1:{running_product.stack.ports.web} 127.0.0.1:{line.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=[*FLAGS, detour])
        yield browser
        browser.close()


@pytest.fixture
def phones(product: Product) -> Phones:
    return Phones(product.provider)


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Everything that no visit may do: break in a script, break the policy, ask another host."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def new_context(
    chromium: Browser, line: Line, product: Product, complaints: list[str]
) -> Iterator[Callable[..., BrowserContext]]:
    """A fresh browser profile; takes what Playwright's `new_context` takes."""
    line.restore()
    contexts: list[BrowserContext] = []

    def make(**traits: object) -> BrowserContext:
        # An address of its own, as a proxy would tell it: the limits per address are not what is tested here.
        headers = {"X-Forwarded-For": new_address()}
        context = chromium.new_context(locale="ko-KR", extra_http_headers=headers, **traits)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MILLISECONDS)
        context.on("page", lambda page: _listen(page, urlsplit(product.web_url).netloc, complaints))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    line.restore()


@pytest.fixture
def new_visitor(new_context: Callable[..., BrowserContext], product: Product) -> NewVisitor:
    def make(**traits: object) -> Visitor:
        return Visitor(new_context(**traits).new_page(), product.web_url)

    return make


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor()


@pytest.fixture(scope="package")
def password(running_product: Product) -> str:
    """Of the demo's members, who are made before."""
    home, env = running_product.stack.home, {**os.environ, **running_product.stack.env, "WELNO_DEMO": "true"}
    subprocess.run(seed_command(home), check=True, cwd=ROOT, env=env, timeout=COMMAND_SECONDS)
    return demo_password(home)


@pytest.fixture
def arrive(new_context: Callable[..., BrowserContext], product: Product, password: str) -> Arrive:
    """Signed in, before the project."""

    def make(name: str, project: str = PROJECT, **traits: Any) -> Page:
        page = new_context(**traits).new_page()
        page.goto(f"{product.web_url}/login")
        page.get_by_label("이메일").fill(f"{name}@demo.test")
        page.get_by_label("비밀번호").fill(password)
        page.get_by_role("button", name="로그인").click()
        page.get_by_role("link", name=project).click()
        expect(page.get_by_role("heading", name=project)).to_be_visible()
        return page

    return make


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    def send(page: Page, title: str, complaint: str) -> Path:
        path = tmp_path / f"{title}.txt"
        path.write_text(SCRIPT.format(complaint=complaint))
        page.locator("#files").set_input_files(path)
        return path

    return send


def _listen(page: Page, own_host: str, complaints: list[str]) -> None:
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("console", lambda message: _note(message, complaints))
    page.on("request", lambda request: _note_request(request.url, own_host, complaints))


# A refused or cut call is told in the console too, that of a worker's script by the last; that is part of many tests.
_OF_THE_LINE = (
    "Failed to load resource",
    "WebSocket connection to",
    "An unknown error occurred when fetching the script",
)


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type == "error" and not message.text.startswith(_OF_THE_LINE):
        complaints.append(f"console: {message.text}")


def _note_request(url: str, own_host: str, complaints: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob") and parts.netloc != own_host:
        complaints.append(f"asked another host: {parts.netloc}")
