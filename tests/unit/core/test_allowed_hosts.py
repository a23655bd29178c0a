"""Which addresses lead to a host of the list: a reader of addresses that is fooled would call somebody's network."""

import httpx
import pytest

from core.allowed_hosts import HOST_PATTERN, AllowedHosts, origin_of

HOSTS = AllowedHosts(frozenset({"web.push.example", "*.notify.example", "localhost:8443"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://web.push.example/a?b=c",
        "https://web.push.example:443/a",
        "https://db5.notify.example/w/?token=x",
        "https://localhost:8443/",
        "https://web.push.example",
    ],
)
def test_listed(url: str):
    """And whoever connects takes it for the same host."""
    assert HOSTS.find(url)
    assert str(httpx.URL(url)).startswith(origin_of(url))


def test_the_pattern_that_fits_is_given():
    assert HOSTS.find("https://db5.notify.example/w") == "*.notify.example"
    assert HOSTS.find("https://localhost:8443/w") == "localhost:8443"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://web.push.example:443/a", "https://web.push.example"),
        ("https://web.push.example?a", "https://web.push.example"),
        ("https://localhost:8443/a", "https://localhost:8443"),
    ],
)
def test_origins_are_as_browsers_write_them(url: str, origin: str):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "web.push.example",
        "//web.push.example/",
        "http://web.push.example/",
        "https://web.push.example:444/",
        "https://localhost/",
        "https://push.example/",
        "https://notify.example/",
        "https://a.b.notify.example/",
        "https://*.notify.example/",
        "https://web.push.example./",
        "https://web.push.example.evil.example/",
        "https://user@web.push.example/",
        "https://web.push.example@evil.example/",
        "https://evil.example#@web.push.example/",
        "https://evil.example\\@web.push.example/",
        "https://web.push.example\\.evil.example/",
        "https://web.push.example/ x",
        "https://web.push.example/\t",
        "https://web.push.example/\u00e9",
        "https://[::1]/",
        "https://web.push.example:99999/",
        "https://web.push.example:x/",
        "https://WEB.push.example/",
        "https://[v1.notify.example]/x",
        "https://[v1.notify.example].evil.example/",
        "https://evil.example[v1.notify.example]/x",
        "https://.notify.example/",
        "https://a;b.notify.example/",
        "https://a%2eb.notify.example/",
        "https://%00.notify.example/",
        "https://" + "a" * 64 + ".notify.example/",
        "https://web.push.example/a#b",
        "https://web.push.example/a\\b",
        "https://web.push.example/\n",
    ],
)
def test_not_listed(url: str):
    assert HOSTS.find(url) is None


def test_an_empty_list_holds_nothing():
    assert not AllowedHosts()
    assert AllowedHosts().find("https://web.push.example/") is None


@pytest.mark.parametrize("text", ["a", "a.b", "*.a.b", "a-b.c:8443", "xn--3e0b707e.kr"])
def test_patterns(text: str):
    assert HOST_PATTERN.fullmatch(text)


@pytest.mark.parametrize("text", ["*", "*.", "a.*", "A.b", "a..b", "-a.b", "a_b", "a:0", "https://a", "a/b", "한국.kr"])
def test_no_patterns(text: str):
    assert not HOST_PATTERN.fullmatch(text)
