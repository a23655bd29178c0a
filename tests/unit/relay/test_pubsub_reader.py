"""Both readers of a pub/sub connection report the same: data, silence, and the end."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from webapp.relay.loop import ThreadLoop
from webapp.relay.pubsub_reader import BlockingPubSubReader, LoopPubSubReader

SILENCE_SECONDS = 0.2


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=["blocking", "loop"])
def listen(request, ends):
    """Makes the reader of our end."""
    loop = ThreadLoop()

    def make(take):
        if request.param == "blocking":
            return BlockingPubSubReader(ends[0], take, SILENCE_SECONDS)
        ends[0].setblocking(False)
        made.append(LoopPubSubReader(loop, ends[0], take, SILENCE_SECONDS))
        return made[-1]

    made = []
    yield make
    for reader in made:
        reader.stop()
    loop.stop()


def test_what_comes_is_taken_in_its_order(listen, ends):
    received = []
    reader = listen(received.append)
    ends[1].sendall(b"one")
    assert reader.read()
    ends[1].sendall(b"two")
    assert reader.read()
    assert b"".join(received) == b"onetwo"


def test_a_silence_is_told_once_it_has_lasted(listen):
    reader = listen(lambda _: None)
    for _ in range(2):
        began = time.monotonic()
        assert not reader.read()
        assert time.monotonic() - began >= SILENCE_SECONDS * 0.9


def test_an_answer_that_waits_is_no_silence(listen, ends):
    """As after a process was kept from running for longer than the silence may last."""
    received = []
    reader = listen(received.append)
    ends[1].sendall(b"late")
    threading.Event().wait(SILENCE_SECONDS * 2)
    assert reader.read()
    assert received == [b"late"]


def test_the_end_of_the_connection_is_an_error(listen, ends):
    reader = listen(lambda _: None)
    ends[1].close()
    with pytest.raises(ConnectionResetError):
        reader.read()


def test_what_the_taker_raises_ends_it(listen, ends):
    def refuse(_data):
        raise ValueError("not understood")

    reader = listen(refuse)
    ends[1].sendall(b"?")
    with pytest.raises(ValueError, match="not understood"):
        reader.read()
    ends[1].sendall(b"more")  # nobody reads on


@pytest.fixture
def tls_ends(ends, tmp_path):
    """The same two ends, encrypted, with a certificate made for the occasion."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis.invalid")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime.now(UTC), datetime.now(UTC) + timedelta(1))
    own_secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = tmp_path / "chain.pem"
    chain.write_bytes(own_secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    theirs = server.wrap_socket(ends[1], server_side=True, do_handshake_on_connect=False)
    answering = threading.Thread(target=theirs.do_handshake)
    answering.start()
    ours = client.wrap_socket(ends[0])
    answering.join(5)
    with ours, theirs:
        yield ours, theirs


def test_a_silence_over_tls_is_a_silence_too(tls_ends):
    received = []
    reader = BlockingPubSubReader(tls_ends[0], received.append, SILENCE_SECONDS)
    assert not reader.read()
    tls_ends[1].sendall(b"one")
    assert reader.read()
    assert received == [b"one"]
