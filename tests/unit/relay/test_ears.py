"""Both ways to listen to Redis tell the same: what came, that nothing came, and that it is over."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from webapp.relay.ears import BlockingEar, LoopEar
from webapp.relay.loop import ThreadLoop

SILENCE_SECONDS = 0.2


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=["blocking", "loop"])
def listen(request, ends):
    """Makes the ear of our end."""
    loop = ThreadLoop()

    def make(take):
        if request.param == "blocking":
            return BlockingEar(ends[0], take, SILENCE_SECONDS)
        ends[0].setblocking(False)
        ears.append(LoopEar(loop, ends[0], take, SILENCE_SECONDS))
        return ears[-1]

    ears = []
    yield make
    for ear in ears:
        ear.stop()
    loop.stop()


def test_what_comes_is_taken_in_its_order(listen, ends):
    heard = []
    ear = listen(heard.append)
    ends[1].sendall(b"one")
    assert ear.hear()
    ends[1].sendall(b"two")
    assert ear.hear()
    assert b"".join(heard) == b"onetwo"


def test_a_silence_is_told_once_it_has_lasted(listen):
    ear = listen(lambda _: None)
    for _ in range(2):
        began = time.monotonic()
        assert not ear.hear()
        assert time.monotonic() - began >= SILENCE_SECONDS * 0.9


def test_an_answer_that_waits_is_no_silence(listen, ends):
    """As after a process was kept from running for longer than the silence may last."""
    heard = []
    ear = listen(heard.append)
    ends[1].sendall(b"late")
    threading.Event().wait(SILENCE_SECONDS * 2)
    assert ear.hear()
    assert heard == [b"late"]


def test_the_end_of_the_line_is_an_error(listen, ends):
    ear = listen(lambda _: None)
    ends[1].close()
    with pytest.raises(ConnectionResetError):
        ear.hear()


def test_what_the_taker_raises_ends_it(listen, ends):
    def refuse(_data):
        raise ValueError("not understood")

    ear = listen(refuse)
    ends[1].sendall(b"?")
    with pytest.raises(ValueError, match="not understood"):
        ear.hear()
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
    heard = []
    ear = BlockingEar(tls_ends[0], heard.append, SILENCE_SECONDS)
    assert not ear.hear()
    tls_ends[1].sendall(b"one")
    assert ear.hear()
    assert heard == [b"one"]
