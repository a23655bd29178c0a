"""A scripted peer and the three clients that talk to it."""

import asyncio
import threading
from dataclasses import dataclass

import pytest

from tests.integration.upstream.peer import API_KEY, Peer
from upstream.mediarc.client import MediarcClient
from upstream.tilko import answers
from upstream.tilko.async_client import AsyncTilkoClient
from upstream.tilko.client import TilkoClient, Timeouts
from upstream.tilko.codec import AuthTokens, TilkoPerson

SHORT = Timeouts(
    connect_seconds=0.5, auth_seconds=0.5, login_check_seconds=0.5, checkups_seconds=0.5, treatments_seconds=0.5
)
MIB = 1024 * 1024


@pytest.fixture
def peer():
    with Peer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.stopping.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def person():
    return TilkoPerson("김하늘", "19840517", "01012345678", "0")


@pytest.fixture
def tokens():
    return AuthTokens("cx-invented", "0", "req-invented", "token-invented", "tx-invented")


@pytest.fixture
def client(peer):
    client = TilkoClient(peer.url + "/", API_KEY)
    yield client
    client.close()


@dataclass
class Asking:
    """Asks for the checkups, or whether there is an approval, by either client."""

    kind: str
    person: TilkoPerson
    tokens: AuthTokens

    def ask(self, url, *, times=1, timeouts=SHORT, max_response_bytes=MIB, api_key=API_KEY):
        options = {"timeouts": timeouts, "max_response_bytes": max_response_bytes}
        if self.kind == "async":
            return asyncio.run(self._poll(url, api_key, times, options))
        client = TilkoClient(url, api_key, **options)
        try:
            return [client.fetch_checkups(self.person, self.tokens) for _ in range(times)][-1]
        finally:
            client.close()

    def check_login(self, url, version="v2.0"):
        if self.kind == "async":
            return asyncio.run(self._check_login(url, version))
        client = TilkoClient(url, API_KEY, timeouts=SHORT)
        try:
            return client.check_login(self.person, self.tokens, version)
        finally:
            client.close()

    async def _check_login(self, url, version):
        async with AsyncTilkoClient(url, API_KEY, timeouts=SHORT) as client:
            return await client.check_login(self.person, self.tokens, version)

    async def _poll(self, url, api_key, times, options):
        async with AsyncTilkoClient(url, api_key, **options) as client:
            reply = [await client.poll(self.person, self.tokens) for _ in range(times)][-1]
        return answers.read_data(reply.status, reply.headers, reply.body)


@pytest.fixture(params=["sync", "async"])
def asking(request, person, tokens):
    """Every test with it runs for both clients: they promise the same."""
    return Asking(request.param, person, tokens)


@pytest.fixture
def mediarc(peer):
    client = MediarcClient(peer.url + "/report", "invented-mediarc-key", timeout_seconds=2, max_response_bytes=MIB)
    yield client
    client.close()
