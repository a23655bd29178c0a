"""How a person's devices and addresses are told to them."""

import pytest

from services.patients.session_rows import DEVICE_MAX
from webapp.visitors import describe_device, shorten

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126.0 Safari/537.36", "Chrome · Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/126.0 Safari/537.36 Edg/126.0", "Edge · Windows"),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-S921N) {WEBKIT} SamsungBrowser/25.0 Chrome/121.0",
            "Samsung Internet · Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 KAKAOTALK 10.8.0", "카카오톡 · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox · Linux"),
        ("curl/8.5.0", None),
        ("", None),
        ("<script>alert(1)</script>" * 100, None),
    ],
)
def test_a_device_is_told_in_words_of_ours(user_agent: str, words: str | None):
    assert describe_device(user_agent) == words


def test_the_words_are_bounded():
    assert len(describe_device("KAKAOTALK iPhone" * 1000) or "") <= DEVICE_MAX


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.77", "203.0.113.*"),
        ("::ffff:203.0.113.77", "203.0.113.*"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::*"),
        ("no address", None),
        (None, None),
    ],
)
def test_an_address_is_shortened_to_its_network(address: str | None, shown: str | None):
    assert shorten(address) == shown
