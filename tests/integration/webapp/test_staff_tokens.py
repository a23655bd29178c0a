"""Staff's access tokens: given by a command, taken back for good, on every web process and whatever Redis remembers."""

from collections.abc import Callable

import httpx
import jwt
import pytest
import redis
from flask import Flask

from webapp.staff_token import main as staff_token

from .people import API
from .server import Server

Headers = dict[str, str]
FILES, SIGN_OUT = f"{API}/admin/files", f"{API}/auth/logout"


@pytest.fixture
def shell(app: Flask, demo_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment in which an operator calls the command."""
    for name, value in demo_env.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


class StandardInput:
    """One line."""

    def __init__(self, line: str) -> None:
        self._line = line

    def readline(self) -> str:
        return self._line


def take_back(shell: pytest.MonkeyPatch, token: str) -> None:
    shell.setattr("sys.stdin", StandardInput(token))
    staff_token(["--revoke"])


def token_of(headers: Headers) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


def opens(app: Flask, headers: Headers) -> bool:
    return app.test_client().get(FILES, headers=headers).status_code == 200


def test_the_command_prints_a_token_that_works(
    app: Flask, shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    staff_token(["--name", "op-2", "--hours", "1"])
    assert opens(app, {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"})


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_the_command_names_role_scope_audience_and_end(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], role: str
):
    staff_token(["--name", "op-2", "--hours", "2", "--role", role])
    claims = jwt.decode(capsys.readouterr().out.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["role"], claims["scope"], claims["aud"]) == ("op-2", role, "operations", "welno")
    assert claims["exp"] - claims["iat"] == 2 * 3600


@pytest.mark.parametrize("asked", [("--role", "admin"), ("--role", "staff"), ("--hours", "0"), ("--hours", "10000")])
def test_the_command_gives_no_other_role_and_no_token_without_an_end(
    shell: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: tuple[str, str]
):
    with pytest.raises(SystemExit) as refused:
        staff_token(["--name", "op-2", *asked])
    assert (refused.value.code, capsys.readouterr().out) == (2, "")


OF_ANOTHER_KIND: list[dict[str, object]] = [
    {"aud": "somebody else"},
    {"aud": None},
    {"iss": "somebody else"},
    {"exp": 1_700_000_000},
    {"exp": None},
    {"scope": "records"},
    {"scope": "journey"},
    {"scope": "interviews"},
    {"scope": None},
    {"role": "admin"},
    {"role": "staff"},
    {"role": "patient"},
    {"type": "refresh"},
]


@pytest.mark.parametrize("changes", OF_ANOTHER_KIND, ids=str)
def test_a_token_of_another_kind_opens_nothing_though_we_signed_it(
    app: Flask, new_staff: Callable[[], Headers], demo_env: dict[str, str], changes: dict[str, object]
):
    claims = jwt.decode(token_of(new_staff()), options={"verify_signature": False}) | changes
    present = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode(present, demo_env["WELNO_JWT_SECRET"], "HS256")
    assert app.test_client().get(FILES, headers={"Authorization": f"Bearer {token}"}).status_code in {401, 403}


def test_a_token_without_a_signature_opens_nothing(app: Flask, new_staff: Callable[[], Headers]):
    claims = jwt.decode(token_of(new_staff()), options={"verify_signature": False})
    assert not opens(app, {"Authorization": f"Bearer {jwt.encode(claims, None, 'none')}"})


@pytest.mark.parametrize(("ahead_seconds", "is_let_in"), [(60, True), (100, True), (200, False)])
def test_a_token_of_a_host_whose_clock_is_ahead_opens_the_others(
    app: Flask, new_staff: Callable[[], Headers], demo_env: dict[str, str], ahead_seconds: int, *, is_let_in: bool
):
    claims = jwt.decode(token_of(new_staff()), options={"verify_signature": False})
    claims |= {name: claims[name] + ahead_seconds for name in ("iat", "nbf", "exp")}
    token = jwt.encode(claims, demo_env["WELNO_JWT_SECRET"], "HS256")
    assert opens(app, {"Authorization": f"Bearer {token}"}) is is_let_in


def test_the_command_takes_a_token_back(
    app: Flask, shell: pytest.MonkeyPatch, new_staff: Callable[[], Headers], redis_client: redis.Redis
):
    mine, other = new_staff(), new_staff()
    take_back(shell, token_of(mine))
    redis_client.flushall()
    assert (opens(app, mine), opens(app, other)) == (False, True)


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_the_command_says_what_is_no_token(shell: pytest.MonkeyPatch, token: str):
    with pytest.raises(SystemExit, match="no token of ours"):
        take_back(shell, token)


def test_the_command_says_when_it_could_not_take_back(shell: pytest.MonkeyPatch, staff: Headers):
    shell.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SystemExit, match="nothing was taken back"):
        take_back(shell, token_of(staff))


def test_who_signs_out_takes_back_one_token(app: Flask, new_staff: Callable[[], Headers]):
    mine, other = new_staff(), new_staff()
    assert app.test_client().post(SIGN_OUT, headers=mine).status_code == 204
    assert app.test_client().post(SIGN_OUT, headers=mine).status_code == 401
    assert (opens(app, mine), opens(app, other)) == (False, True)


def test_an_emptied_redis_revives_no_token_that_was_signed_out(
    app: Flask, server: Server, new_staff: Callable[[], Headers], redis_client: redis.Redis
):
    there, here = new_staff(), new_staff()
    assert httpx.post(f"{server.url}{SIGN_OUT}", headers=there).status_code == 204
    assert app.test_client().post(SIGN_OUT, headers=here).status_code == 204
    redis_client.flushall()
    assert not opens(app, there)
    assert httpx.get(f"{server.url}{FILES}", headers=here).status_code == 401
