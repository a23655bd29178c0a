"""What a browser asks for when somebody comes back to a page."""

import pytest
from playwright.sync_api import Browser

from tests.chromium import WAIT_MILLISECONDS
from tests.integration.static.journey.conftest import serve_pages


@pytest.mark.parametrize("path", ["/sign-in", "/staff/journey"])
def test_a_second_visit_asks_for_no_file_of_the_first(chromium: Browser, path: str) -> None:
    asked: list[str] = []
    with serve_pages(asked.append) as url:
        # Without the routes of the other tests: with them Chromium keeps nothing.
        context = chromium.new_context(locale="ko-KR")
        context.set_default_timeout(WAIT_MILLISECONDS)
        page = context.new_page()
        page.goto(url + path, wait_until="networkidle")
        first = [one for one in asked if one.startswith("/static/")]
        assert len(first) > 5
        assert len(first) == len(set(first))
        asked.clear()
        page.goto("about:blank")
        page.goto(url + path, wait_until="networkidle")
        context.close()
    assert path in asked
    assert [one for one in asked if one.startswith("/static/")] == []
