"""The staff's page without a browser: a frame that is the same for everybody and holds nothing of any run."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from .people import Person

PAGE = "/staff/runs"


@pytest.fixture
def page(app: Flask) -> TestResponse:
    return app.test_client().get(PAGE)


def test_the_page_is_the_same_for_everybody(app: Flask, owner: Person, staff: dict[str, str], page: TestResponse):
    for headers in (staff, owner.bearer):
        assert app.test_client().get(PAGE, headers=headers).text == page.text
    assert owner.session_id not in page.text


def test_the_page_runs_no_code_but_our_own(page: TestResponse):
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)


def test_the_page_loads_nothing_from_another_host(page: TestResponse):
    addresses = re.findall(r'(?:src|href|action)="([^"]+)"', page.text)
    assert addresses
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in addresses)


def test_everything_the_page_loads_is_there(app: Flask, page: TestResponse):
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        with app.test_client().get(address) as file:
            assert (file.status_code, file.headers["X-Content-Type-Options"]) == (200, "nosniff")


def test_no_cache_and_no_search_engine_keeps_the_page(page: TestResponse):
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert '<meta name="robots" content="noindex, nofollow">' in page.text


def test_the_token_can_get_into_no_address(page: TestResponse):
    forms = re.findall(r'<form id="(?:account|token|second-factor)-form".*?</form>', page.text, re.DOTALL)
    assert len(forms) == 3
    for form in forms:
        assert 'method="post"' in form
        assert " name=" not in form
