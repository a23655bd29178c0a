"""The demo hospital with its people, as it is made for `make run`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from core.clock import clock
from dev.local.programs import ROOT
from models.accounts import AccountKind, Scope
from services.accounts.accounts import require_account
from services.accounts.hashing import PasswordHashes
from services.accounts.logins import LoginEnded, check_login, open_login
from services.accounts.token_refresh import TokenPair
from services.journey.demo import DemoSecrets, seed_appointments, seed_hospital, seed_people
from tests.integration.webapp.people import API, ORIGIN
from webapp.api.accounts.sign_in import token_of_account
from webapp.auth.journey_tokens import make_pair, new_token_id
from webapp.current import parts

CONTENT = orjson.loads((ROOT / "dev" / "sandbox" / "hospital.json").read_bytes())
PASSWORD, HALL_KEY = "a password of the demo", "a key of the hall"
FEW: dict[str, Any] = CONTENT | {"patients": CONTENT["patients"] | {"count": 5}}


@cache
def password_hash(pepper: str) -> str:
    return PasswordHashes(pepper).hash(PASSWORD)


@dataclass
class Phone:
    """A patient's device: its login, its tokens, and no cookies but those it says."""

    app: Flask
    user_id: UUID
    sid: UUID
    pair: TokenPair

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.pair.access_token}"}

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token or self.pair.access_token}"} | more.pop("headers", {})
        return self.app.test_client(use_cookies=False).open(API + path, method=method, headers=headers, **more)

    def refresh(self, token: str | None = None, **body: Any) -> TestResponse:
        json = {"refresh_token": token or self.pair.refresh_token, **body}
        return self.app.test_client(use_cookies=False).post(f"{API}/auth/token/refresh/", json=json)

    def refresh_by_cookie(self, token: str, origin: str | None = ORIGIN, name: str = "welno_refresh") -> TestResponse:
        headers = {"Cookie": f"{name}={token}"} | ({"Origin": origin} if origin else {})
        return self.app.test_client(use_cookies=False).post(f"{API}/auth/token/refresh/", headers=headers)

    @property
    def is_in(self) -> bool:
        with parts(self.app).stores.unit_of_work() as work:
            try:
                check_login(work.session, self.sid, Scope.JOURNEY)
            except LoginEnded:
                return False
        return True


def phone_of(app: Flask, user_id: UUID) -> Phone:
    token_id = new_token_id()
    with parts(app).stores.unit_of_work() as work:
        sid = open_login(work.session, "patient", user_id, Scope.JOURNEY, refresh_id=token_id)
    with app.app_context():
        return Phone(app, user_id, sid, make_pair(user_id, sid, token_id))


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


@pytest.fixture
def people(app: Flask) -> list[UUID]:
    """The first five of the demo's patients, and the two who share digits and birth date; with today's appointments."""
    here = parts(app).stores
    secrets = DemoSecrets(lambda: password_hash(here.settings.secrets.password_pepper), HALL_KEY)
    with here.unit_of_work() as work:
        seed_hospital(work.session, FEW, secrets)
        user_ids = seed_people(work.session, here.people, FEW)
        journey = here.settings.journey
        today = FEW["appointments_today"]
        seed_appointments(work.session, user_ids[:5], today, clock.now(), journey.time_zone, journey.day_close_at)
    return user_ids


@pytest.fixture
def phone(app: Flask, people: list[UUID]) -> Phone:
    return phone_of(app, people[0])


@pytest.fixture
def other_phone(app: Flask, people: list[UUID]) -> Phone:
    return phone_of(app, people[1])


class Desk:
    """A member of staff with a token."""

    def __init__(self, app: Flask, login: str) -> None:
        self.app = app
        here = parts(app).stores
        with here.unit_of_work() as work:
            account = require_account(work.session, AccountKind.STAFF, login)
            self.staff_id, self.role = account.account_id, account.role
            self.sid = open_login(work.session, account.kind, account.account_id, Scope.JOURNEY)
        with app.app_context():
            self.token: str = token_of_account(account, self.sid)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = self.bearer | more.pop("headers", {})
        return self.app.test_client(use_cookies=False).open(API + path, method=method, headers=headers, **more)


@pytest.fixture
def desk_of(app: Flask, people: list[UUID]) -> Callable[[str], Desk]:
    return lambda login: Desk(app, login)


@pytest.fixture
def desk(desk_of: Callable[[str], Desk]) -> Desk:
    return desk_of("desk1")


@pytest.fixture
def chief(desk_of: Callable[[str], Desk]) -> Desk:
    return desk_of("chief")


CountStatements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def count_statements(app: Flask) -> CountStatements:
    """The statements that the app's own engine sends within the block."""
    engine = parts(app).stores.engine

    @contextmanager
    def count() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            sent.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return count
