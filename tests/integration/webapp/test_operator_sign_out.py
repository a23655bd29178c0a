"""An operator ends every session of somebody whose phone was lost, and the logins of an account."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import redis
from flask import Flask
from sqlalchemy import func, select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from werkzeug.test import TestResponse

from core.clock import clock
from models.accounts import Account, AccountChange, AccountKind, AccountRole, Login, RevokedWhy, Scope
from models.patients import AccessEntry
from models.threads import ThreadDevice
from services.accounts.accounts import add_account
from services.accounts.logins import open_login
from services.journey.people import NewUser
from tests.integration.commands import run_command
from webapp.auth import Role
from webapp.current import parts
from webapp.staff_token import make_token

from .people import API, ORIGIN, Person
from .server import Server
from .test_patient_sessions import ask_password, read_to_the_end, records, sign_in

END, WHY = f"{API}/admin/sessions/end", "전화로 휴대폰 분실 신고"
Ask = Callable[..., TestResponse]


@pytest.fixture
def end(app: Flask, staff: dict[str, str]) -> Ask:
    def ask(named: object, reason: str | None = WHY, headers: dict[str, str] = staff) -> TestResponse:
        body = {"id": str(named), "reason": reason}
        return app.test_client(use_cookies=False).post(END, json=body, headers=headers)

    return ask


@pytest.fixture
def by_password(app: Flask, owner: Person) -> Person:
    """Another browser of the owner."""
    assert ask_password(owner, owner, "set") == 201
    return sign_in(owner, app)


def login_of(app: Flask, kind: str, principal_id: UUID, scope: Scope = Scope.JOURNEY) -> UUID:
    with parts(app).stores.unit_of_work() as work:
        return open_login(work.session, kind, principal_id, scope, refresh_id="r" if kind == "patient" else None)


@pytest.fixture
def visitor_id(app: Flask, owner: Person) -> UUID:
    """The owner in the journey: the same name, phone and birth date."""
    here = parts(app).stores
    with here.unit_of_work() as work:
        return here.people.add(work.session, NewUser("김하늘", "01012345678", date(1984, 5, 17))).user_id


def held(app: Flask, sid: UUID) -> str | None:
    """Why it was ended; None where it holds."""
    with parts(app).stores.sessions() as session:
        why: str | None = session.get_one(Login, sid).revoked_why
    return why


def pseudonym(app: Flask, owner: Person) -> str:
    assert records(owner) == 200  # the first look makes their key
    assert owner.patient_uuid is not None
    return parts(app).stores.access_log.subject_of(owner.patient_uuid)


NAMED: dict[str, Callable[[Flask, Person, UUID], Any]] = {
    "the patient": lambda _app, owner, _sid: owner.patient_uuid,
    "the collection's session": lambda _app, owner, _sid: owner.session_id,
    "a session of the list": lambda _app, owner, _sid: owner.ask(
        "GET", f"/patients/{owner.patient_uuid}/sessions"
    ).json["items"][0]["id"],
    "the pseudonym": lambda app, owner, _sid: pseudonym(app, owner),
    "a login of the journey": lambda _app, _owner, sid: sid,
}


@pytest.mark.parametrize("named", NAMED)
def test_all_of_a_person_end_together(
    app: Flask, owner: Person, by_password: Person, colleague: Person, visitor_id: UUID, end: Ask, named: str
):
    sid = login_of(app, "patient", visitor_id)
    answer = end(NAMED[named](app, owner, sid))
    assert (answer.status_code, answer.json) == (200, {"success": True, "ended": 3})
    assert [records(owner), records(owner, by_password), records(colleague)] == [404, 404, 200]
    assert owner.session("GET", "/status").status_code == 404
    assert held(app, sid) == RevokedWhy.ENDED_BY_OPERATOR


def test_the_person_reads_that_it_was_done_and_why(app: Flask, owner: Person, by_password: Person, end: Ask):
    end(owner.patient_uuid)
    back = sign_in(owner, app)
    told = back.ask("GET", f"/patients/{owner.patient_uuid}/access-log").json
    newest = told["items"][0]
    assert (newest["who"], newest["what"], newest["reason"]) == ("담당 직원", "로그인한 곳을 모두 끝냈어요.", WHY)
    assert newest["address"] is None
    assert "staff" not in {one["actor_kind"] for one in told["opened_since_last_visit"]}


def test_they_are_out_on_every_process_and_their_sockets_close_within_a_second(
    server: Server, owner: Person, by_password: Person, end: Ask, redis_client: redis.Redis
):
    """The process that is asked is another than the one that follows, and Redis was emptied meanwhile."""
    url = f"{server.url.replace('http', 'ws', 1)}{API}/tilko/ws/{owner.session_id}"
    there = f"{server.url}{API}/patients/{owner.patient_uuid}/checkups"
    with connect(url, additional_headers=owner.bearer, origin=ORIGIN, proxy=None) as socket:
        socket.recv(timeout=10)
        redis_client.flushall()
        assert end(owner.patient_uuid).status_code == 200
        ended_at = clock.now()
        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    assert clock.now() - ended_at < timedelta(seconds=1)
    assert [httpx.get(there, headers=one.bearer).status_code for one in (owner, by_password)] == [404, 404]


def test_who_is_known_to_the_journey_alone_is_out_too(app: Flask, end: Ask):
    here = parts(app).stores
    with here.unit_of_work() as work:
        user_id = here.people.add(work.session, NewUser("박하나", "01055556666", date(1950, 1, 2))).user_id
    sid, other = login_of(app, "patient", user_id), login_of(app, "patient", uuid4())
    assert end(sid).json["ended"] == 1
    assert (held(app, sid), held(app, other)) == (RevokedWhy.ENDED_BY_OPERATOR, None)
    with here.sessions() as session:
        [entry] = session.scalars(select(AccessEntry))
    assert (entry.subject, entry.what, entry.actor_role) == (
        here.access_log.subject_of_visitor(user_id),
        "sessions",
        "operator",
    )


@pytest.fixture
def account_id(app: Flask) -> UUID:
    with parts(app).stores.unit_of_work() as work:
        return add_account(work.session, AccountKind.STAFF, "desk9", "김창구", "no hash", AccountRole.STAFF)


@pytest.mark.parametrize("is_by_login", [False, True])
def test_an_account_is_thrown_out_and_may_sign_in_again(app: Flask, account_id: UUID, end: Ask, is_by_login: bool):
    sids = [login_of(app, AccountKind.STAFF, account_id) for _ in range(2)]
    assert end(sids[0] if is_by_login else account_id).json["ended"] == 2
    assert {held(app, sid) for sid in sids} == {RevokedWhy.ENDED_BY_OPERATOR}
    with parts(app).stores.sessions() as session:
        assert session.get_one(Account, account_id).is_active
        change = session.scalars(select(AccountChange).where(AccountChange.account_id == account_id)).one()
        looks = session.scalar(select(func.count()).select_from(AccessEntry).where(AccessEntry.what == "sessions"))
    assert (change.what, change.by, looks) == ("logins_ended", "op-1", 1)


@pytest.mark.parametrize("named", [uuid4(), "0" * 32])
def test_nobody_is_found_by_what_nobody_has(end: Ask, named: object):
    answer = end(named)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")


def test_of_a_session_that_is_nobodys_yet_nobody_is_known(starter: Person, end: Ask):
    assert end(starter.session_id).status_code == 404
    assert starter.session("GET", "/status").status_code == 200


@pytest.mark.parametrize(("named", "reason", "field"), [("김하늘", WHY, "id"), (uuid4(), "짧음", "reason")])
def test_an_operator_must_name_an_id_and_a_reason(end: Ask, named: object, reason: str, field: str):
    answer = end(named, reason)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [field])


def test_operators_alone_may(app: Flask, owner: Person, end: Ask):
    with app.app_context():
        auditor = {"Authorization": f"Bearer {make_token('auditor-1', 1, Role.AUDITOR)}"}
    assert end(owner.patient_uuid, headers=auditor).status_code == 403
    assert end(owner.patient_uuid, headers=owner.bearer).status_code in {401, 403}
    assert records(owner) == 200


def test_the_command_does_the_same(app: Flask, owner: Person, end: Ask, demo_env: dict[str, str], postgres_url: str):
    def command(named: object, *more: str) -> tuple[int, str]:
        arguments = (str(named), "--by", "op-1", "--reason", WHY, *more)
        done = run_command("tasks.sign_out", *arguments, env=demo_env | {"DATABASE_URL": postgres_url})
        return done.status, done.output + done.errors

    assert command(owner.session_id) == (0, "ended 1\n")
    assert records(owner) == 404
    assert command(uuid4()) == (1, "nobody has this id\n")
    assert command("no id")[0] == 2
    with parts(app).stores.sessions() as session:
        assert session.scalars(select(AccessEntry.actor_role).where(AccessEntry.what == "sessions")).all() == [
            "command"
        ]


@pytest.mark.parametrize("whose", ["patient", "staff"])
def test_a_lost_phone_pushes_no_more(app: Flask, owner: Person, account_id: UUID, end: Ask, whose: str):
    named = {"patient": owner.patient_uuid, "staff": account_id}[whose]
    device_ids = [keep_pass(app, f"{whose}:{one}") for one in (named, uuid4())]
    assert end(named).status_code == 200
    with parts(app).stores.sessions() as session:
        passes = [session.get_one(ThreadDevice, one) for one in device_ids]
        assert [(one.pass_hash is None, one.pass_until is None) for one in passes] == [(True, True), (False, False)]


def keep_pass(app: Flask, member: str) -> UUID:
    """A device of theirs that has one; its id."""
    keys = {"kem_key": "k", "sign_key": "s", "signed_at": "2026-01-01T00:00:00Z", "sig": "s"}
    device = ThreadDevice(device_id=uuid4(), member=member, type="browser", state="active", **keys)
    device.pass_hash, device.pass_until = uuid4().hex, clock.now() + timedelta(days=14)
    with parts(app).stores.unit_of_work() as work:
        work.session.add(device)
        work.session.flush()
        return device.device_id
