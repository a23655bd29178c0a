"""Uploads that are refused for what is known before their file: nothing of it is stored, and little of it is read."""

import socket
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from core.settings import Settings
from dev.local.ports import LOOPBACK
from tests.integration.interviews.company import World
from tests.integration.webapp.server import Server
from webapp.api.interviews.receiving import FILE_MAX_BYTES

from .members import Member

ASYNC, FORM = "/api/workflow/async", "multipart/form-data; boundary=b"
PIECE_BYTES = 64 * 1024


def write_form(world: World, size: int, *, name: str = "a.txt", file_first: bool = False, **fields: str) -> bytes:
    file = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        + b"x" * size
        + b"\r\n"
    )
    said = [
        f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in ({"projectId": str(world.food)} | fields).items()
    ]
    return b"".join([file, *said] if file_first else [*said, file]) + b"--b--\r\n"


class WatchedBody(BytesIO):
    """Looks at each piece that is asked for what is on the disk by then."""

    def __init__(self, body: bytes, look: Callable[[], list[Path]]) -> None:
        super().__init__(body)
        self.look = look
        self.seen: list[Path] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.seen += self.look()
        return super().read(size)


class Uploads:
    def __init__(self, settings: Settings) -> None:
        self._folder = settings.files.data_dir / "interviews"

    def list_files(self) -> list[Path]:
        return [path for path in self._folder.rglob("*") if path.is_file()]

    def send(self, member: Member, form: bytes) -> tuple[TestResponse, WatchedBody]:
        body = WatchedBody(form, self.list_files)
        options = {"input_stream": body, "content_type": FORM, "content_length": len(form)}
        return member.ask("POST", ASYNC, **options), body


@pytest.fixture
def uploads(web_settings: Settings) -> Uploads:
    return Uploads(web_settings)


def refused_for(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def spend_budget(engine: Engine, project_id: UUID) -> None:
    with engine.begin() as connection:
        limit = text("update welno.projects set monthly_token_limit = 100 where id = :project")
        connection.execute(limit, {"project": project_id})
        spent = text("insert into welno.miso_costs values (:id, 1, :project, now(), 1, 100, 1)")
        connection.execute(spent, {"id": uuid4(), "project": project_id})


@pytest.mark.parametrize(
    ("who", "fields", "expected"),
    [
        ("sora", {}, (404, "PROJECT_NOT_FOUND")),
        ("vera", {}, (403, "FORBIDDEN")),
        ("jun", {"projectId": "undefined"}, (400, "VALIDATION_FAILED")),
        ("jun", {"nothing": "1"}, (400, "VALIDATION_FAILED")),
        ("jun", {"lastModified": "-1"}, (400, "VALIDATION_FAILED")),
        ("jun", {"name": "a.hwp"}, (400, "VALIDATION_FAILED")),
    ],
)
def test_what_comes_before_the_file_is_judged_before_it(
    request: pytest.FixtureRequest,
    uploads: Uploads,
    world: World,
    who: str,
    fields: Mapping[str, Any],
    expected: tuple[int, str],
):
    answer, body = uploads.send(request.getfixturevalue(who), write_form(world, 2_000_000, **fields))
    assert refused_for(answer) == expected
    assert (body.tell(), body.seen) == (PIECE_BYTES, [])


def test_a_spent_budget_takes_no_byte_of_a_file(uploads: Uploads, jun: Member, world: World, engine: Engine):
    spend_budget(engine, world.food)
    answer, body = uploads.send(jun, write_form(world, 2_000_000))
    assert refused_for(answer) == (409, "BUDGET_SPENT")
    assert (body.tell(), body.seen) == (PIECE_BYTES, [])


def test_a_call_that_comes_again_is_answered_also_by_a_spent_budget(jun: Member, world: World, engine: Engine):
    call = {"data": write_form(world, 10), "content_type": FORM, "headers": {"Idempotency-Key": "once"}}
    first = jun.ask("POST", ASYNC, **call)
    spend_budget(engine, world.food)
    again = jun.ask("POST", ASYNC, **call)
    assert (again.status_code, again.json) == (200, first.json)
    assert refused_for(jun.ask("POST", ASYNC, **(call | {"headers": {"Idempotency-Key": "other"}}))) == (
        409,
        "BUDGET_SPENT",
    )


def test_fields_may_come_after_the_file(uploads: Uploads, jun: Member, sora: Member, world: World):
    form = write_form(world, 200_000, file_first=True, title="뒤에 온 제목")
    answer, _ = uploads.send(jun, form)
    assert (answer.status_code, answer.json["interview"]["title"]) == (200, "뒤에 온 제목")
    before = uploads.list_files()
    refused, _ = uploads.send(sora, form)
    assert refused_for(refused) == (404, "PROJECT_NOT_FOUND")
    assert uploads.list_files() == before


def test_a_field_after_the_file_is_judged_when_it_comes(uploads: Uploads, jun: Member, world: World, engine: Engine):
    """And not with those that follow it, of which there may be many."""
    spend_budget(engine, world.food)
    form = write_form(world, 200_000, file_first=True).removesuffix(b"--b--\r\n")
    answer, _ = uploads.send(jun, form + b"--b\r\nno end of a form")
    assert refused_for(answer) == (409, "BUDGET_SPENT")
    assert uploads.list_files() == []


@pytest.mark.parametrize("is_form", [True, False], ids=["form", "json"])
def test_a_text_is_judged_after_its_project(sora: Member, world: World, web_settings: Settings, is_form: bool):
    too_long = "x" * (web_settings.interviews.miso_context_max_chars + 1)
    form = write_form(world, 0, name="", text=too_long)
    sent = sora.ask("POST", ASYNC, data=form, content_type=FORM) if is_form else sora.upload(world, too_long)
    assert refused_for(sent) == (404, "PROJECT_NOT_FOUND")


def test_a_text_is_measured_with_the_numbers_that_its_title_leaves_to_it(
    jun: Member, world: World, web_settings: Settings
):
    fits = "가 " * (web_settings.interviews.miso_context_max_chars // len("[가림1] "))
    assert jun.upload(world, fits, maskWords=["가"]).status_code == 200
    title = "".join(f"[가림{number}]" for number in range(1, 10))
    answer = jun.upload(world, fits, maskWords=["가"], title=title)
    assert refused_for(answer) == (400, "TEXT_TOO_LONG")


def test_who_is_refused_while_sending_sees_the_answer(server: Server, vera: Member, world: World):
    """It is there before the file has been sent, and is not destroyed by what still comes."""
    form = write_form(world, FILE_MAX_BYTES)
    head = f"POST {ASYNC} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {vera.token}\r\n"
    head += f"Content-Type: {FORM}\r\nContent-Length: {len(form)}\r\n\r\n"
    with socket.create_connection((LOOPBACK, server.port), timeout=30) as sender:
        sender.sendall(head.encode() + form[: 2 * PIECE_BYTES])
        told = sender.recv(65_536)
        assert told.startswith(b"HTTP/1.1 403 ")
        sender.sendall(form[2 * PIECE_BYTES :] + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while piece := sender.recv(65_536):
            told += piece
    assert told.count(b"HTTP/1.1 200 OK") == 1


def test_who_has_not_signed_in_is_cut_off(server: Server, world: World):
    """After the answer: of their body no more is dropped than of any other."""
    form = write_form(world, FILE_MAX_BYTES)
    head = f"POST {ASYNC} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(form)}\r\n\r\n"
    with socket.create_connection((LOOPBACK, server.port), timeout=30) as sender:
        sender.sendall(head.encode() + form[:PIECE_BYTES])
        assert sender.recv(65_536).startswith(b"HTTP/1.1 401 ")
        with pytest.raises(ConnectionError):
            sender.sendall(form)


@pytest.mark.parametrize("size", [-1, -200])
def test_half_a_text_is_not_taken_for_a_whole_one(jun: Member, world: World, engine: Engine, size: int):
    """As a browser leaves it whose page is closed while it sends: gunicorn's stream just ends."""
    whole = f"projectId={world.food}&text={'a' * 1000}".encode()
    announced = {"CONTENT_LENGTH": str(len(whole)), "wsgi.input_terminated": True}
    form = {"data": whole[:size], "content_type": "application/x-www-form-urlencoded"}
    before = count_interviews(engine)
    assert jun.ask("POST", ASYNC, **form, environ_overrides=announced).status_code == 400
    assert count_interviews(engine) == before


def count_interviews(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("select count(*) from welno.interviews")).scalar_one())
