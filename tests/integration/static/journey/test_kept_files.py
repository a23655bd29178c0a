"""What a browser asks for when somebody comes back to a page."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask, request
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from tests.chromium import WAIT_MILLISECONDS
from tests.integration.static.journey.conftest import ROOT
from webapp import journey_pages, pages


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def counted_url(asked: list[str]) -> Iterator[str]:
    """The pages, by a server that notes what it is asked for."""
    app = Flask("webapp", root_path=str(ROOT / "webapp"))
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(journey_pages.blueprint)
    app.before_request(lambda: asked.append(request.path))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/sign-in", "/staff/journey"])
def test_a_second_visit_asks_for_no_file_of_the_first(
    chromium: Browser, counted_url: str, asked: list[str], path: str
) -> None:
    # Without the routes of the other tests: with them Chromium keeps nothing.
    context = chromium.new_context(locale="ko-KR")
    context.set_default_timeout(WAIT_MILLISECONDS)
    page = context.new_page()
    page.goto(counted_url + path, wait_until="networkidle")
    first = [one for one in asked if one.startswith("/static/")]
    assert len(first) > 5
    assert len(first) == len(set(first))
    asked.clear()
    page.goto("about:blank")
    page.goto(counted_url + path, wait_until="networkidle")
    context.close()
    assert path in asked
    assert [one for one in asked if one.startswith("/static/")] == []
