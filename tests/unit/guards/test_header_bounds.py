"""Every header that our code reads is bounded before it is read."""

import re

import pytest

from webapp.request_bounds import HEADER_MAX_CHARACTERS

from .source import Module, modules

_READS = re.compile(r'request\.headers(?:\.get\(|\[)"([^"]+)"')
# By the attribute of a request that parses it.
_PARSED = {
    "cookies": "Cookie",
    "if_none_match": "If-None-Match",
    "if_match": "If-Match",
    "if_modified_since": "If-Modified-Since",
    "range": "Range",
    "authorization": "Authorization",
    "accept_mimetypes": "Accept",
}


@pytest.mark.parametrize("module", [one for one in modules() if one.room == "webapp"], ids=lambda module: module.name)
def test_a_header_that_is_read_has_a_bound(module: Module):
    read = set(_READS.findall(module.text))
    read |= {header for attribute, header in _PARSED.items() if f"request.{attribute}" in module.text}
    assert read <= set(HEADER_MAX_CHARACTERS)


def test_what_the_server_adds_up_is_bounded_too():
    assert HEADER_MAX_CHARACTERS["Cookie"] <= 8190
