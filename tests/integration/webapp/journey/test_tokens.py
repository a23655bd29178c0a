"""The journey's tokens: what each opens, how long, exchanged once, and taken back on every process at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
import redis
from flask import Flask, Response
from flask_jwt_extended import create_access_token
from sqlalchemy import func, select, text, update

from core.clock import clock
from core.settings import Settings
from models.accounts import Login
from models.journey import PatientState
from services.journey.patient_logins import REFRESH_LIFE, note_expired_logins
from tests.integration.conftest import AppOf
from tests.integration.webapp.people import API, ORIGIN, Person
from tests.waiting import wait_until
from webapp.auth import open_records
from webapp.current import parts

from .conftest import Phone, code, phone_of

REFRESH, LOGOUT = "/auth/token/refresh/", "/auth/logout"


@pytest.fixture
def phone(app: Flask) -> Phone:
    return phone_of(app, uuid4())


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_the_tokens_claim_what_the_contract_says(phone: Phone):
    access, refresh = claims_of(phone.pair.access_token), claims_of(phone.pair.refresh_token)
    assert {"iss", "sub", "role", "scope", "sid", "jti", "type", "iat", "nbf", "exp"} <= set(access)
    assert (access["scope"], access["role"], access["type"]) == ("journey", "patient", "access")
    assert (access["sub"], access["sid"]) == (str(phone.user_id), str(phone.sid))
    assert (access["exp"] - access["iat"], refresh["exp"] - refresh["iat"]) == (15 * 60, 14 * 24 * 3600)
    assert refresh["type"] == "refresh"
    assert jwt.get_unverified_header(phone.pair.access_token)["alg"] == "HS256"


def test_a_refresh_in_the_body_gives_both_in_the_body(phone: Phone):
    answer = phone.refresh()
    assert (answer.status_code, answer.json["success"], answer.json["expires_in"]) == (200, True, 900)
    assert answer.json["refresh_token"] != phone.pair.refresh_token
    assert "Set-Cookie" not in answer.headers


def test_a_refresh_by_cookie_gives_a_new_cookie_that_no_script_reads(phone: Phone):
    answer = phone.refresh_by_cookie(phone.pair.refresh_token)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == "welno_refresh"
    for part in ("HttpOnly", "SameSite=Strict", "Path=/api/v1/auth", "Max-Age=1209600"):
        assert part in rest
    assert phone.refresh_by_cookie(rest.partition(";")[0]).status_code == 200


def test_under_https_the_cookie_is_one_that_no_other_host_can_plant(app_of: AppOf, app: Flask, demo_env: Any):
    env = demo_env | {"WELNO_COOKIE_SECURE": "true", "WELNO_ALLOWED_ORIGINS": ORIGIN}
    phone = phone_of(app_of(Settings.read(env)), uuid4())
    plain = phone.refresh_by_cookie(phone.pair.refresh_token)
    assert code(plain) == (401, "UNAUTHORIZED")
    answer = phone.refresh_by_cookie(phone.pair.refresh_token, name="__Secure-welno_refresh")
    assert answer.headers["Set-Cookie"].startswith("__Secure-welno_refresh=")
    assert "Secure;" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("origin", [None, "https://evil.test"])
def test_a_refresh_by_cookie_needs_a_listed_origin(phone: Phone, origin: str | None):
    assert code(phone.refresh_by_cookie(phone.pair.refresh_token, origin)) == (403, "ORIGIN_NOT_ALLOWED")
    assert phone.refresh().status_code == 200


def test_a_refresh_token_shown_again_ends_the_login(phone: Phone, logged: Any):
    later = phone.refresh().json["refresh_token"]
    assert code(phone.refresh()) == (401, "REFRESH_REUSED")
    assert code(phone.refresh(later)) == (401, "TOKEN_REVOKED")
    assert not phone.is_in
    assert '"event":"refresh_token_reused"' in logged.getvalue()
    assert phone.pair.refresh_token not in logged.getvalue()


def test_an_answer_that_was_lost_is_given_again_under_the_same_key(phone: Phone):
    first = phone.refresh(idempotency_key="tab-1")
    again = phone.refresh(idempotency_key="tab-1")
    assert again.json == first.json
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert phone.refresh(first.json["refresh_token"], idempotency_key="tab-2").status_code == 200
    assert code(phone.refresh(idempotency_key="tab-1")) == (401, "REFRESH_REUSED")


def test_a_key_goes_with_one_refresh_token(phone: Phone):
    first = phone.refresh(idempotency_key="tab-1").json["refresh_token"]
    assert code(phone.refresh(first, idempotency_key="tab-1")) == (409, "IDEMPOTENCY_MISMATCH")
    assert phone.is_in


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "키"])
def test_a_key_that_is_none_is_refused(phone: Phone, key: str):
    answer = phone.refresh(idempotency_key=key)
    assert (code(answer), list(answer.json["error"]["details"])) == ((400, "VALIDATION_FAILED"), ["idempotency_key"])


def test_an_access_token_refreshes_nothing(phone: Phone):
    assert code(phone.refresh(phone.pair.access_token)) == (401, "UNAUTHORIZED")


def test_without_a_token_nothing_is_refreshed(app: Flask):
    assert code(app.test_client().post(API + REFRESH)) == (401, "UNAUTHORIZED")


def secret_of(app: Flask) -> str:
    secret: str = app.config["JWT_SECRET_KEY"]
    return secret


def forged(app: Flask, phone: Phone, *, algorithm: str = "HS256", secret: str | None = None, **claims: Any) -> str:
    everything = claims_of(phone.pair.access_token) | claims
    return jwt.encode(everything, secret if secret is not None else app.config["JWT_SECRET_KEY"], algorithm)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none", "secret": ""},
        {"algorithm": "HS512"},
        {"secret": "another secret of enough letters to sign with"},
        {"type": "refresh"},
        {"scope": "records"},
        {"scope": "operations", "sid": str(uuid4())},
        {"iss": "somebody else"},
    ],
)
def test_what_is_not_quite_ours_is_no_token(app: Flask, phone: Phone, changes: dict[str, Any]):
    assert phone.ask("POST", LOGOUT, forged(app, phone, **changes)).status_code == 401
    assert phone.is_in


ODD_CLAIMS = [
    *({"sid": value} for value in (None, 7, [], "no uuid")),
    *({"sub": value} for value in (None, 7, [], "no uuid")),
    *({"jti": value} for value in (None, 7, [], "")),
    *({"exp": value} for value in (None, "soon", [], 10**30)),
    *({"iat": value} for value in (None, "now", [])),
    *({"role": value} for value in (None, 7, [])),
]


@pytest.mark.parametrize("changes", ODD_CLAIMS, ids=str)
def test_a_signed_token_of_odd_claims_is_no_token(app: Flask, phone: Phone, changes: dict[str, Any]):
    everything = claims_of(phone.pair.access_token) | changes
    # None stands for one that is missing.
    token = jwt.encode({name: value for name, value in everything.items() if value is not None}, secret_of(app))
    asked = {"Authorization": f"Bearer {token}"}
    answers = [
        app.test_client().open(path, method=method, headers=asked).status_code
        for method, path in (
            ("GET", API + "/patient-journey/history"),
            ("GET", API + "/admin/files"),
            ("GET", API + "/accounts/me"),
            ("GET", f"{API}/patients/{uuid4()}/checkups"),
            ("GET", API + "/admin/journey/health"),
            ("POST", API + LOGOUT),
        )
    ]
    assert answers[0] == 401
    # Elsewhere it is of the wrong scope, or opens nothing that is there.
    assert set(answers) <= {204, 401, 403, 404}
    assert code(phone.refresh(token)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("ago_seconds", "expected"), [(100, 204), (140, 401)])
def test_a_token_outlives_its_end_by_two_minutes_at_most(app: Flask, phone: Phone, ago_seconds: int, expected: int):
    ended = forged(app, phone, exp=int(datetime.now(UTC).timestamp()) - ago_seconds)
    assert phone.ask("POST", LOGOUT, ended).status_code == expected


def test_a_token_that_ended_by_time_says_so(app: Flask, phone: Phone):
    ended = forged(app, phone, exp=int(datetime.now(UTC).timestamp()) - 3600)
    assert code(phone.ask("POST", LOGOUT, ended)) == (401, "TOKEN_EXPIRED")


def test_logging_out_ends_access_and_refresh_of_that_device_alone(app: Flask, phone: Phone):
    other = phone_of(app, phone.user_id)
    assert phone.ask("POST", LOGOUT).status_code == 204
    assert code(phone.ask("POST", LOGOUT)) == (401, "TOKEN_REVOKED")
    assert code(phone.refresh()) == (401, "TOKEN_REVOKED")
    assert (phone.is_in, other.is_in) == (False, True)


def test_a_slash_at_the_end_of_the_logins_addresses_is_optional(phone: Phone):
    assert code(phone.ask("POST", "/auth/staff-login/", json={})) == (400, "VALIDATION_FAILED")
    assert phone.ask("POST", LOGOUT + "/").status_code == 204


def test_a_token_that_was_logged_out_is_on_the_blacklist_until_it_ends(phone: Phone, redis_client: redis.Redis):
    phone.ask("POST", LOGOUT)
    key = f"blacklist:{claims_of(phone.pair.access_token)['jti']}"
    assert redis_client.get(key) == b"1"
    assert 800 < redis_client.ttl(key) <= 900


def test_an_emptied_redis_lets_nobody_in_again(phone: Phone, redis_client: redis.Redis):
    phone.ask("POST", LOGOUT)
    redis_client.flushall()
    assert code(phone.refresh()) == (401, "TOKEN_REVOKED")


@pytest.mark.parametrize("path", ["/checkups", "/prescriptions", "/report", "/access-log", "/consents"])
def test_a_journeys_login_opens_no_record_whatever_its_subject_says(app: Flask, owner: Person, path: str):
    assert owner.patient_uuid is not None
    phone = phone_of(app, owner.patient_uuid)
    assert phone.ask("GET", f"/patients/{owner.patient_uuid}{path}").status_code == 404
    with app.test_request_context():
        own = open_records(Response(), owner.patient_uuid, clock.now())
    assert phone.ask("GET", f"/patients/{owner.patient_uuid}{path}", own).status_code != 404


@pytest.mark.parametrize("path", ["/admin/runs", "/admin/files", "/admin/access-log?reason=because"])
def test_a_journeys_login_opens_nothing_of_the_operators(phone: Phone, path: str):
    assert code(phone.ask("GET", path)) == (403, "FORBIDDEN")


def test_a_records_token_ends_no_login(app: Flask, phone: Phone):
    with app.app_context():
        records = create_access_token(str(phone.user_id), additional_claims={"role": "patient", "scope": "records"})
    assert phone.ask("POST", LOGOUT, records).status_code == 401


def is_logged_in(app: Flask, user_id: UUID) -> bool:
    with parts(app).stores.sessions() as session:
        return bool(session.get_one(PatientState, user_id).is_logged_in)


def is_in(app: Flask, user_id: UUID) -> None:
    """As after a login of theirs."""
    with parts(app).stores.unit_of_work() as work:
        work.session.add(PatientState(user_id=user_id, is_logged_in=True))


def test_a_persons_state_says_so_when_their_last_login_has_ended(app: Flask, people: list[UUID]):
    one, other = phone_of(app, people[0]), phone_of(app, people[0])
    is_in(app, people[0])
    assert one.ask("POST", LOGOUT).status_code == 204
    assert is_logged_in(app, people[0])
    assert other.ask("POST", LOGOUT).status_code == 204
    assert not is_logged_in(app, people[0])


def test_a_login_that_is_taken_back_for_its_refresh_token_ends_it_too(app: Flask, people: list[UUID]):
    phone = phone_of(app, people[0])
    is_in(app, people[0])
    phone.refresh()
    assert code(phone.refresh()) == (401, "REFRESH_REUSED")
    assert not is_logged_in(app, people[0])


def test_of_two_last_logins_that_end_at_once_the_later_one_sees_it(app: Flask, people: list[UUID]):
    phones = [phone_of(app, people[0]) for _ in range(2)]
    is_in(app, people[0])
    with parts(app).stores.engine.begin() as holder, ThreadPoolExecutor(2) as pool:
        holder.execute(select(PatientState.user_id).with_for_update())
        answers = [pool.submit(phone.ask, "POST", LOGOUT) for phone in phones]
        wait_until(lambda: waiting_for_locks(app) == 2, 20)
        holder.commit()
        assert [answer.result(20).status_code for answer in answers] == [204, 204]
    assert not is_logged_in(app, people[0])


def waiting_for_locks(app: Flask) -> int:
    """How many statements of this database."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with parts(app).stores.sessions() as session:
        return int(session.scalar(text(query)))


def test_logins_that_nobody_renews_end_with_their_refresh_tokens(app: Flask, people: list[UUID]):
    for user_id in people[:3]:
        is_in(app, user_id)
    fresh, old = phone_of(app, people[0]), phone_of(app, people[1])
    with parts(app).stores.unit_of_work() as work:
        for phone, unused in ((fresh, REFRESH_LIFE - timedelta(hours=1)), (old, REFRESH_LIFE + timedelta(hours=1))):
            last = update(Login).where(Login.sid == phone.sid).values(last_seen_at=func.now() - unused)
            work.session.execute(last)
    with parts(app).stores.unit_of_work() as work:
        assert note_expired_logins(work.session) == 2
        assert note_expired_logins(work.session) == 0
    assert [is_logged_in(app, user_id) for user_id in people[:3]] == [True, False, False]
