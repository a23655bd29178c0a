"""Flower is open to operators who are signed in, under its own names, and to its own pages only."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx
import jwt
import pyotp
import pytest
from celery import Celery
from sqlalchemy import Engine, func, update
from sqlalchemy.orm import Session

from core.clock import clock
from core.names import TASK_QUEUES, Step, Task, flower_cookie, step_task
from dev.local.health import answers
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, flower_program, web_program
from models.accounts import AccountKind, AccountRole, Login
from services.accounts.accounts import add_account
from services.accounts.hashing import PasswordHashes
from tests.integration.webapp.test_staff_tokens import OF_ANOTHER_KIND
from tests.plain_http import NO_TLS
from tests.waiting import wait_until

PASSWORD = "correct horse battery"
LISTED = "https://flower.example.com"
COOKIE = flower_cookie(secure=False)
PATHS = [
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/api/tasks",
    "/api/workers",
    "/metrics",
    "/login",
    "/static/js/flower.js",
]


@dataclass(frozen=True)
class Running:
    """Flower, and the web process where operators sign in. `flower` is host and port."""

    web: str
    flower: str

    @property
    def port(self) -> str:
        return self.flower.partition(":")[2]

    def ask(self, method: str, path: str, token: str = "", **more: object) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        headers = {**bearer, **more.pop("headers", {})}  # type: ignore[dict-item]
        url = f"http://{self.flower}{path}"
        return httpx.request(method, url, headers=headers, timeout=20, verify=NO_TLS, **more)  # type: ignore[arg-type]

    def post(self, path: str, token: str = "", **body: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.post(f"{self.web}/api/v1/auth/{path}", json=body, headers=headers, timeout=20, verify=NO_TLS)


@pytest.fixture(scope="module")
def running(demo_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("flower")
    programs = flower_program(pick_port()), web_program("web", pick_port())
    env = demo_env | {"WELNO_FLOWER_ORIGINS": f"{LISTED},{programs[0].url}", "WELNO_STAFF_LOGIN_LIMIT": "99 per minute"}
    processes = [Process(one.name, one.command, folder / one.name, env=env, cwd=ROOT) for one in programs]
    try:
        for process in processes:
            process.start()
        for process, program in zip(processes, programs, strict=True):
            path = "/healthz" if program.name == "web" else program.health_path
            process.wait_until(lambda url=f"{program.url}{path}": answers(url), 60)
        yield Running(programs[1].url or "", (programs[0].url or "").removeprefix("http://"))
    finally:
        for process in processes:
            process.stop()


@pytest.fixture(scope="module")
def sign_in(running: Running, engine: Engine, demo_env: dict[str, str]) -> Callable[..., str]:
    """A new account, its second factor and an access token."""

    def make(role: AccountRole = AccountRole.OPERATOR, *, second_factor: bool = True) -> str:
        login, hashes = f"night-{uuid4()}", PasswordHashes(demo_env["WELNO_PASSWORD_PEPPER"])
        with Session(engine) as session, session.begin():
            add_account(session, AccountKind.OPERATOR, login, "당번", hashes.hash(PASSWORD), role)
        token: str = running.post("staff-login", login=login, password=PASSWORD).json()["access_token"]
        if second_factor:
            totp = pyotp.parse_uri(running.post("totp", token).json()["uri"])
            assert running.post("totp", token, totp=totp.at(clock.now())).status_code == 200
        return token

    return make


@pytest.fixture(scope="module")
def operator(sign_in: Callable[..., str]) -> str:
    return sign_in()


@pytest.fixture
def task(running: Running, demo_env: dict[str, str], operator: str) -> str:
    """The id of one that Flower knows, with a session's id as its argument."""
    task_id, session_id = str(uuid4()), str(uuid4())
    with Celery(broker=demo_env["CELERY_BROKER_URL"]) as app, app.connection_for_write() as connection:
        dispatcher = app.events.Dispatcher(connection, hostname="worker@here")

        def is_known() -> bool:
            dispatcher.send("task-received", uuid=task_id, name="welno.step", args=f"('{session_id}',)", kwargs="{}")
            return running.ask("GET", f"/api/task/info/{task_id}", operator).status_code == 200

        wait_until(is_known)
    return task_id


@pytest.fixture
def tasks(running: Running, demo_env: dict[str, str], operator: str) -> Sequence[str]:
    """The names of all tasks that there are; Flower knows one of each."""
    with Celery(broker=demo_env["CELERY_BROKER_URL"]) as app, app.connection_for_write() as connection:
        dispatcher = app.events.Dispatcher(connection, hostname="worker@here")
        ids = {str(uuid4()): str(name) for name in TASK_QUEUES}

        def are_known() -> bool:
            for task_id, name in ids.items():
                dispatcher.send("task-received", uuid=task_id, name=name, args="()", kwargs="{}")
            return ids.keys() <= running.ask("GET", "/api/tasks", operator).json().keys()

        wait_until(are_known)
    return list(TASK_QUEUES)


@pytest.mark.parametrize("path", PATHS)
def test_without_a_login_nothing_is_shown(running: Running, path: str):
    answer = running.ask("GET", path)
    assert (answer.status_code, "sign in at /staff/runs" in answer.text) == (401, True)


@pytest.mark.parametrize("path", ["/api/worker/shutdown/nobody", "/api/task/send-task/welno.step", "/login"])
def test_without_a_login_nothing_is_done(running: Running, path: str):
    assert running.ask("POST", path).status_code == 401


def test_that_it_answers_is_all_that_anybody_learns(running: Running):
    assert (running.ask("GET", "/healthcheck").status_code, running.ask("GET", "/healthcheck").text) == (200, "OK")


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/login"])
def test_an_operator_sees_the_dashboard(running: Running, operator: str, path: str):
    assert running.ask("GET", path, operator).status_code == (302 if path == "/" else 200)


def test_a_tasks_arguments_are_ids_only(running: Running, operator: str, task: str):
    shown = running.ask("GET", f"/api/task/info/{task}", operator).json()
    assert len(shown["args"]) == len("('',)") + len(str(uuid4()))
    assert (shown["kwargs"], shown["result"]) == ("{}", None)
    assert running.ask("GET", f"/task/{task}", operator).status_code == 200


def test_its_first_view_is_the_steps_of_runs_without_beats_jobs(running: Running, operator: str, tasks: Sequence[str]):
    first = running.ask("GET", "/", operator)
    assert (first.status_code, urlsplit(first.headers["Location"]).path) == (302, "/tasks")
    page = running.ask("GET", first.headers["Location"], operator).text
    assert re.findall(r'data-column="(\w+)"', page) == ["name", "args", "state", "received", "runtime", "worker"]
    # As Flower's own script makes a search of the address.
    [name] = parse_qs(urlsplit(first.headers["Location"]).query)["name"]
    search = {"draw": 1, "start": 0, "length": 100, "order[0][column]": 0, "search[value]": f"name:{name}"}
    shown = running.ask("GET", f"/tasks/datatable?{urlencode(search)}", operator).json()
    steps = {str(step_task(step)) for step in Step} | {Task.RUN_INTERVIEW}
    assert {task["name"] for task in shown["data"]} == steps < set(tasks)


def test_the_cookie_from_the_staffs_page_opens_it(running: Running, sign_in: Callable[..., str]):
    token = sign_in()
    given = running.post("flower", token)
    assert given.json() == {"success": True, "url": f"http://{running.flower}/"}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(given.headers["Set-Cookie"].split("; "))
    cookie = {"Cookie": f"{COOKIE}={given.cookies[COOKIE]}"}
    assert running.ask("GET", "/workers", headers=cookie).status_code == 200


def test_by_cookie_alone_nothing_is_changed(running: Running, operator: str):
    """As a page does that makes the browser send a form: Flower's own pages send a token of theirs along."""
    answer = running.ask("POST", "/api/worker/shutdown/nobody", headers={"Cookie": f"{COOKIE}={operator}"})
    assert answer.status_code == 403


def test_after_signing_out_nothing_is_shown_within_a_second(running: Running, sign_in: Callable[..., str]):
    token = sign_in()
    cookie = {"Cookie": f"{COOKIE}={token}"}
    assert running.ask("GET", "/workers", headers=cookie).status_code == 200
    assert running.post("logout", token).status_code == 204
    ended_at = time.monotonic()
    assert running.ask("GET", "/workers", headers=cookie).status_code == 401
    assert running.ask("GET", "/api/tasks", token).status_code == 401
    assert time.monotonic() - ended_at < 1


def test_a_quarter_of_an_hour_without_use_ends_it_whatever_its_pages_ask_meanwhile(
    running: Running, sign_in: Callable[..., str], engine: Engine
):
    token = sign_in()
    by_itself = {"X-Requested-With": "XMLHttpRequest"}
    idle(engine, token, timedelta(minutes=14))
    assert running.ask("GET", "/workers", token, headers=by_itself).status_code == 200
    assert seen_before(engine, token, timedelta(minutes=13))
    assert running.ask("GET", "/workers", token).status_code == 200
    assert not seen_before(engine, token, timedelta(minutes=13))
    idle(engine, token, timedelta(minutes=16))
    assert running.ask("GET", "/workers", token).status_code == 401


def idle(engine: Engine, token: str, unused: timedelta) -> None:
    with engine.begin() as connection:
        connection.execute(update(Login).where(Login.sid == sid_of(token)).values(last_seen_at=func.now() - unused))


def seen_before(engine: Engine, token: str, ago: timedelta) -> bool:
    with Session(engine) as session:
        return session.get_one(Login, sid_of(token)).last_seen_at < session.scalar(func.now()) - ago


def sid_of(token: str) -> str:
    return str(claims_of(token)["sid"])


def claims_of(token: str) -> dict[str, str]:

    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.parametrize(
    ("role", "second_factor"),
    [(AccountRole.AUDITOR, True), (AccountRole.OPERATOR, False)],
    ids=["auditor", "no factor"],
)
def test_who_is_no_operator_with_a_second_factor_is_refused(
    running: Running, sign_in: Callable[..., str], role: AccountRole, second_factor: bool
):
    token = sign_in(role, second_factor=second_factor)
    assert running.ask("GET", "/workers", token).status_code == 401
    assert running.post("flower", token).status_code == 403


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_token_of_another_making_is_refused(running: Running, operator: str, kept: int):
    parts = operator.split(".")
    parts[kept] = parts[kept][:-4] + "AAAA"
    assert running.ask("GET", "/workers", ".".join(parts)).status_code == 401


@pytest.mark.parametrize("changes", OF_ANOTHER_KIND, ids=str)
def test_a_token_of_another_kind_is_refused_though_we_signed_it(
    running: Running, operator: str, demo_env: dict[str, str], changes: dict[str, object]
):
    """A command's: those of a login go by the login's own role."""
    claims = {name: value for name, value in claims_of(operator).items() if name != "sid"}
    changed = {name: value for name, value in (claims | changes).items() if value is not None}
    good, other = (jwt.encode(one, demo_env["WELNO_JWT_SECRET"], "HS256") for one in (claims, changed))
    assert [running.ask("GET", "/workers", token).status_code for token in (good, other)] == [200, 401]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example.com", None),  # a name of theirs that leads here
        ("evil.example.com:{port}", "http://evil.example.com:{port}"),
        ("127.0.0.1.example.com", None),
        ("", None),
        ("127.0.0.1:{port}", "https://evil.example.com"),
        ("127.0.0.1:{port}", "null"),
        ("127.0.0.1:{port}", "http://127.0.0.1:1"),  # another program of this machine
        ("flower.example.com", "https://evil.example.com"),
        ("flower.example.com:{port}", None),
    ],
)
def test_a_page_of_another_site_reaches_nothing(
    running: Running, operator: str, method: str, host: str, origin: str | None
):
    assert ask_as(running, operator, method, host, origin) == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:{port}", None),
        ("localhost:{port}", "http://localhost:{port}"),
        ("[::1]:{port}", None),
        ("flower.example.com", LISTED),
    ],
)
def test_its_own_pages_are_answered(running: Running, operator: str, host: str, origin: str | None):
    assert ask_as(running, operator, "GET", host, origin) == 200
    assert ask_as(running, operator, "POST", host, origin) == 404  # no such worker


def ask_as(running: Running, token: str, method: str, host: str, origin: str | None) -> int:
    port = running.port
    headers = {"Host": host.format(port=port)} | ({"Origin": origin.format(port=port)} if origin else {})
    path = "/api/tasks" if method == "GET" else "/api/worker/shutdown/nobody"
    return running.ask(method, path, token, headers=headers).status_code


def test_a_taken_port_is_told_in_one_sentence(demo_env: dict[str, str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = flower_program(taken.getsockname()[1]).command
        env = demo_env | {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "flower: cannot listen there: Address already in use")
    assert "Traceback" not in done.stderr
