"""A host that somebody else has named is connected to at allowed addresses only, wherever it leads a moment later."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from core.networks import AllowedAddresses
from tests.integration.upstream.peer import Peer, give_json
from upstream.http.exchange import AddressNotAllowed, ExchangeLimits, open_http, send

LIMITS = ExchangeLimits(total_seconds=3, max_response_bytes=1024)
LOOPBACK = AllowedAddresses([ip_network("127.0.0.0/8")])


def post(url: str, allowed: AllowedAddresses) -> int:
    with open_http(0, allowed=allowed) as http:
        return send(http, http.build_request("POST", url, content=b"{}"), LIMITS).status


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """What the next resolutions of any name give."""
    answers: list[list[str]] = []
    monkeypatch.setattr("upstream.http.deadline._resolve", lambda *_: answers.pop(0))
    yield answers
    assert answers == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_what_leads_inside_is_not_connected_to(peer: Peer, host: str):
    with pytest.raises(AddressNotAllowed):
        post(f"http://{host}:{peer.server_port}/", AllowedAddresses())
    assert peer.bodies == []


def test_each_connection_is_judged_by_the_addresses_that_it_goes_to(peer: Peer, resolved: list[list[str]]):
    """A name leads elsewhere after it was judged; what is not allowed of several is passed over, and not tried."""
    peer.answer = give_json({})
    url = f"http://receiver.example:{peer.server_port}/"
    resolved += [["10.255.255.1", "127.0.0.1"], ["10.255.255.1", "::1"], ["127.0.0.1"]]
    assert post(url, LOOPBACK) == 200
    for allowed in (LOOPBACK, AllowedAddresses()):
        with pytest.raises(AddressNotAllowed):
            post(url, allowed)
    assert len(peer.bodies) == 1
