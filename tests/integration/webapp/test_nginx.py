"""The product behind nginx as the documentation's example has it: TLS, HTTP/2, live streams, whose address counts."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask import Flask

# Not `websockets.sync`, which reads in one thread and writes in another: over TLS, with Python 3.11, four of 3,000
# handshakes hung, and never came to the server; of this client's 12,000 none did.
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from core.settings import RelaySettings, WebSettings, variables_of
from dev.local.ports import pick_port
from dev.local.programs import ROOT
from tests.nginx import EXAMPLE, Nginx, run_nginx
from tests.plain_http import NO_TLS
from tests.shl import FHIR, encrypt
from webapp.api.interviews.receiving import BODY_MAX_BYTES

from .people import API, FORM, ORIGIN, Person, arrive, collect
from .server import Server
from .test_sockets import speak

START = f"{API}/tilko/session/start"


@pytest.fixture(scope="module")
def behind(
    demo_env: dict[str, str], postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Nginx, Server]]:
    folder = tmp_path_factory.mktemp("nginx")
    changes = {
        "DATABASE_URL": postgres_url,
        "WELNO_TRUSTED_PROXIES": "1",
        "WELNO_COOKIE_SECURE": "true",
        "WELNO_PASSWORD_LIMIT": "2 per hour",
    }
    with (
        Server(demo_env | changes, folder / "web.log") as server,
        run_nginx(folder, web_port=server.port, flower_port=pick_port()) as nginx,
    ):
        yield nginx, server


@pytest.fixture
def nginx(behind: tuple[Nginx, Server]) -> Nginx:
    return behind[0]


@pytest.fixture
def owner(app: Flask) -> Person:
    """Has started a session; the stores are the server's too."""
    return arrive(app)


def client(nginx: Nginx, address: str = "127.0.0.1") -> httpx.Client:
    """Linux answers on all of 127/8: each is another address to nginx."""
    transport = httpx.HTTPTransport(local_address=address, verify=nginx.trust)
    return httpx.Client(base_url=nginx.url, transport=transport, timeout=20)


def curl(nginx: Nginx, path: str, *options: str) -> list[str]:
    """Over HTTP/2; the head of the answer, in lines."""
    certificate = ("--cacert", str(nginx.certificate), "--noproxy", "*")
    command = ["curl", "-sS", "--http2", "-D", "-", "-o", "/dev/null", *certificate, *options, f"{nginx.url}{path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()


def test_it_speaks_http_2_under_tls(nginx: Nginx):
    assert curl(nginx, "/healthz")[0].split() == ["HTTP/2", "200"]


def test_plain_http_leads_to_https_only(nginx: Nginx):
    answer = httpx.get(f"http://localhost:{nginx.http}/results-trend?x=1", verify=NO_TLS)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://localhost/results-trend?x=1")


def test_a_program_that_sends_its_token_in_clear_is_not_led_on(nginx: Nginx):
    answer = httpx.get(f"http://localhost:{nginx.http}/api/v1/patients/x/checkups", verify=NO_TLS)
    assert (answer.status_code, answer.headers.get("Location")) == (403, None)


def test_old_tls_is_refused(nginx: Nginx):
    certificate = ("--cacert", str(nginx.certificate), "--noproxy", "*", "--tls-max", "1.1")
    done = subprocess.run(["curl", "-sS", *certificate, nginx.url], capture_output=True, timeout=30, check=False)
    assert done.returncode == 35


def test_a_session_lives_by_its_cookie_in_crumbs(app: Flask, nginx: Nginx):
    """Over HTTP/2 a browser may send each cookie in a field of its own (RFC 9113, 8.2.3)."""
    with client(nginx) as browser:
        started = browser.post(START, json=FORM, headers={"Origin": ORIGIN})
    assert started.status_code == 201
    cookie = next(iter(SimpleCookie(started.headers["Set-Cookie"]).values()))
    assert cookie["secure"]
    crumbs = ("-H", "Cookie: theme=dark", "-H", f"Cookie: {cookie.key}={cookie.value}", "-H", "Cookie: z=1")
    path = f"{API}/tilko/session/{started.json()['session_id']}/status"
    assert curl(nginx, path, *crumbs)[0].split() == ["HTTP/2", "200"]
    assert curl(nginx, path, *crumbs[:2])[0].split() == ["HTTP/2", "404"]


def test_limits_count_the_client_and_not_what_it_says(app: Flask, nginx: Nginx):
    def sign_in(address: str, said: str) -> int:
        with client(nginx, address) as browser:
            person = {"user_name": "없는사람", "birthdate": "19700101", "password": "592704"}
            claimed = person | {"phone_no": f"0101111{said.rpartition('.')[2].zfill(4)}"}
            headers = {"X-Forwarded-For": said, "Origin": ORIGIN}
            return browser.post(f"{API}/patients/sign-in", json=claimed, headers=headers).status_code

    assert [sign_in("127.0.0.7", f"203.0.113.{n}") for n in range(3)] == [401, 401, 429]
    assert sign_in("127.0.0.8", "203.0.113.9") == 401


def test_sse_events_come_as_they_are_told(app: Flask, nginx: Nginx, owner: Person):
    with events_over_http_2(nginx, owner) as lines:
        assert "text/event-stream" in next(line for line in lines if "event-stream" in line)
        for told in ("하나", "둘", "셋"):
            began = time.monotonic()
            speak(app, owner, told)
            assert told in next(line for line in lines if told in line)
            assert time.monotonic() - began < 3


@contextmanager
def events_over_http_2(nginx: Nginx, person: Person) -> Iterator[Iterator[str]]:
    options = ["--http2", "--cacert", str(nginx.certificate), "--noproxy", "*", "--max-time", "60"]
    bearer = f"Authorization: Bearer {person.token}"
    url = f"{nginx.url}{API}/tilko/session/{person.session_id}/events"
    command = ["curl", "-sSN", "-i", *options, "-H", bearer, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        try:
            yield iter(process.stdout)
        finally:
            process.kill()


def test_a_websocket_is_let_through(app: Flask, nginx: Nginx, owner: Person):
    url = f"wss://localhost:{nginx.https}{API}/tilko/ws/{owner.session_id}"

    async def listen() -> None:
        async with connect(url, ssl=nginx.trust, proxy=None, additional_headers=owner.bearer) as socket:
            assert (await hear(socket))["type"] == "connection_established"
            await asyncio.to_thread(speak, app, owner)
            while "기다려" not in str(await hear(socket)):
                pass

    asyncio.run(listen())


async def hear(socket: ClientConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
    return heard


def test_through_the_proxy_nobody_is_this_machine(nginx: Nginx):
    with client(nginx) as browser:
        assert browser.get("/metrics").status_code == 401
        assert list(browser.get("/readyz").json()) == ["status"]


def test_a_body_that_is_too_large_is_refused_in_our_words(nginx: Nginx):
    with client(nginx) as browser:
        answer = browser.post(START, content=b"{" + b" " * 70_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


def test_the_files_of_a_link_are_let_through_and_its_address_is_the_proxys(app: Flask, nginx: Nginx, owner: Person):
    collect(app, owner, [], [])
    file = {"contentType": FHIR, "jwe": encrypt(bytes(32), bytes(1_000_000))}
    with client(nginx) as browser:
        made = browser.post("/api/shl", json={"files": [file]}, headers=owner.bearer)
    assert made.status_code == 201
    assert made.json()["url"].startswith(f"https://localhost:{nginx.https}/api/shl/")


@pytest.mark.parametrize(
    ("method", "path", "mebibytes"),
    [
        ("POST", "/api/threads/push-batch", 0.9),
        ("PUT", f"/api/threads/{'A' * 22}/blobs/{UUID(int=7)}/parts/1", 1),
        ("POST", f"/api/threads/{'A' * 22}/members", 1.34),
        ("POST", "/api/shl", 4.9),
        ("PUT", f"{API}/admin/maps/1/layers/base", 4.9),
    ],
)
def test_what_may_be_large_is_answered_by_us(nginx: Nginx, method: str, path: str, mebibytes: float):
    with client(nginx) as browser:
        answer = browser.request(method, path, content=bytes(int(mebibytes * 1024 * 1024)))
    assert answer.headers["Content-Type"] == "application/json", (answer.status_code, answer.text[:300])
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"


def test_an_upload_fits_and_stays_on_no_disk_of_the_proxy():
    """Who is not signed in is cut off after the first of its bytes, so this cannot be tried without a login."""
    upload = re.findall(r"location = /api/workflow/async \{(.+?)\}", EXAMPLE.read_text(), re.DOTALL)[0]
    assert int(re.findall(r"client_max_body_size +(\d+)m;", upload)[0]) * 1024 * 1024 > BODY_MAX_BYTES
    assert "proxy_request_buffering off;" in upload


def test_the_sockets_of_threads_are_let_through(nginx: Nginx):
    url = f"wss://localhost:{nginx.https}/ws/threads"

    async def listen() -> None:
        async with connect(url, ssl=nginx.trust, proxy=None, origin=Origin(ORIGIN)) as socket:
            await hear(socket)

    with pytest.raises(ConnectionClosed) as closed:
        asyncio.run(listen())
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_no_quiet_stream_is_cut(nginx: Nginx):
    """Each wait of the example is longer than the pause between two signs of life, and than a long poll."""
    waits = [int(found) for found in re.findall(r"proxy_read_timeout (\d+)s;", EXAMPLE.read_text())]
    by_name = {name: float(variable.default or 0) for name, variable in variables_of(RelaySettings).items()}
    assert min(waits) > by_name["poll_max_seconds"] + 10
    assert max(waits) > 2 * by_name["ping_every_seconds"]
    assert max(waits) > 3 * by_name["sse_comment_seconds"]
    kept = int(re.findall(r"keepalive_timeout (\d+)s;", EXAMPLE.read_text())[0])
    assert kept < float(variables_of(WebSettings)["handshake_within_seconds"].default or 0)


def test_flower_is_reached_on_a_port_of_its_own(nginx: Nginx):
    """Nobody listens there now: nginx says so itself."""
    with httpx.Client(verify=nginx.trust) as browser:
        assert browser.get(f"https://localhost:{nginx.flower}/").status_code == 502


def test_the_web_process_says_that_it_needs_the_proxy(behind: tuple[Nginx, Server]):
    lines = [line for line in behind[1].log.read_text().splitlines() if '"plain_http"' in line]
    assert len(lines) == 1
    assert "docs/examples/nginx.conf" in lines[0]
    assert '"listens_beyond_this_machine":false' in lines[0]


def test_without_a_word_it_listens_on_this_machine_alone(demo_env: dict[str, str]):
    """gunicorn by itself takes the variable PORT, which platforms set, for a wish to listen on every address."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "webapp/gunicorn_conf.py",
        "--print-config",
        "webapp:create_app()",
    ]
    env = demo_env | {"PATH": os.environ["PATH"], "PORT": "8123"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert re.findall(r"(?m)^bind +=(.*)$", done.stdout) == [" ['127.0.0.1:8000']"]
