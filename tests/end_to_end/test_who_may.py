"""Owner, colleague and stranger on every route and socket of the running product; what has no key gets nothing."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import connect
from werkzeug.routing import Rule

from core.settings import Settings
from tests.end_to_end.following import knock, open_socket, receive, socket_url
from tests.end_to_end.person import API, Visit, new_address
from tests.end_to_end.product import Product
from tests.plain_http import NO_TLS
from webapp import create_app
from webapp.current import parts

# Whatever is not named here must refuse everybody but the owner: a new route cannot be forgotten.
PUBLIC = {
    "static",
    "sessions.start",
    "auth.staff_login",
    "erasures.show_receipt",
    "patient_sessions.sign_out",
    "patient_sign_in.sign_in",
    "exports.fetch",
    "consents.texts",
    "health.healthz",
    "health.readyz",
    "health.readyz_process",
    "health.metrics",
    "reference.show_reference",
    "reference.show_document",
    "asyncapi.show_document",
    "pages.start",
    "pages.staff_runs",
    "pages.results_trend",
    "pages.disease_report",
    "pages.sign_in",
    "pages.my",
    "pages.my_withdrawn",
    "pages.my_erased",
    "pages.vendor",
    "pages_journey.journey",
    "pages_journey.tag",
    "pages_journey.staff_journey",
    "pages_journey.hall",
    "pages_interviews.login",
    "pages_interviews.projects",
    "pages_interviews.project",
    "pages_threads.threads",
    "pages_threads.service_worker",
    "pages_threads_scripts.crypto_worker",
    "pages_shl.shl",
}
BODIES = {
    "joins.join": {
        "user_name": "없는사람",
        "birthdate": "19700101",
        "phone_no": "01000000000",
        "password": "592704",
    },
    "passwords.change_password": {"current_password": "592704", "new_password": "804365"},
    "files.clean_files": {"older_than_days": 30},
    "auth.set_up_second_factor": {},
}
EVIL = {"Origin": "https://evil.example"}


@dataclass(frozen=True)
class Call:
    endpoint: str
    method: str
    path: str

    @property
    def body(self) -> dict | None:
        password = {"password": "592704"} if self.endpoint.startswith("passwords.") else None
        return BODIES.get(self.endpoint, password)


@pytest.fixture(scope="module")
def rules(running_product: Product) -> Iterator[list[Rule]]:
    """The routes of the very app that runs, from its own map."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    app = create_app(Settings.read(running_product.stack.env))
    # These have other people, and tests of their own: integration/webapp/{journey,interviews,threads,shl}.
    others = ("journey", "members", "interviews", "threads", "shl")
    ours = (rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(others))
    yield [rule for rule in ours if rule.endpoint not in PUBLIC]
    parts(app).close()
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def finished(running_product: Product) -> Visit:
    return running_product.meet().is_known_with().collects()


@pytest.fixture
def owner(product: Product, finished: Visit) -> Visit:
    browser = finished.person.browser()
    browser.cookies.set("welno_session", finished.current_token)
    return Visit(finished.person, browser, finished.session_id, finished.current_token)


@pytest.fixture
def colleague(product: Product) -> Visit:
    return product.meet().is_known_with().collects()


def calls_on(rules: list[Rule], owner: Visit) -> list[Call]:
    """What ends the session comes last."""
    values = {"session_id": owner.session_id, "patient_uuid": owner.patient_uuid, "export_id": export_of(owner)}
    calls = []
    for rule in rules:
        path = rule.rule
        for argument in rule.arguments:
            path = re.sub(f"<(?:\\w+:)?{argument}>", values.get(argument, str(uuid4())), path)
        path += f"?session_id={owner.session_id}" if rule.endpoint == "sessions.simple_auth" else ""
        calls += [Call(rule.endpoint, method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return sorted(calls, key=lambda call: call.method == "DELETE")


_EXPORTS: dict[str, str] = {}


def export_of(owner: Visit) -> str:
    """One for each owner: a person may have three."""
    if owner.session_id not in _EXPORTS:
        answer = owner.person.browser().post(f"{API}/patients/{owner.patient_uuid}/export", headers=owner.bearer)
        _EXPORTS[owner.session_id] = answer.json()["export_id"]
    return _EXPORTS[owner.session_id]


def ask(call: Call, browser: httpx.Client, headers: dict[str, str] | None = None) -> httpx.Response:
    with browser.stream(call.method, call.path, json=call.body, headers=headers) as answer:
        if answer.status_code >= 400:
            answer.read()
        return answer


def http_calls(rules: list[Rule], owner: Visit) -> list[Call]:
    return [call for call in calls_on(rules, owner) if "/ws/" not in call.path]


def is_for_accounts(call: Call) -> bool:
    """By bearer token only: no cookie opens these."""
    return any(part in call.path for part in ("/admin/", "/auth/", "/api/metrics/"))


def refused(call: Call, answer: httpx.Response, owner: Visit) -> bool:
    """With the code that the specification names, and not a word of the owner's."""
    wanted = {401} if is_for_accounts(call) else {404}
    return answer.status_code in wanted and owner.person.user_name not in answer.text


def test_a_colleague_and_a_stranger_get_nothing_on_any_route(
    product: Product, rules: list[Rule], owner: Visit, colleague: Visit
):
    stranger = product.meet().browser()
    forged = {"Authorization": f"Bearer {owner.session_id}.{'A' * 43}"}
    for call in http_calls(rules, owner):
        assert refused(call, ask(call, colleague.browser), owner), f"colleague: {call}"
        assert refused(call, ask(call, colleague.browser, colleague.bearer), owner), f"colleague's token: {call}"
        assert refused(call, ask(call, stranger), owner), f"stranger: {call}"
        assert refused(call, ask(call, stranger, forged), owner), f"forged token: {call}"


def test_the_owner_is_served_by_cookie_and_by_token(rules: list[Rule], owner: Visit):
    bare = owner.person.browser()
    reading = [call for call in http_calls(rules, owner) if call.method == "GET" and not is_for_accounts(call)]
    assert len(reading) >= 7
    for call in reading:
        assert ask(call, owner.browser).status_code == 200, call
        assert ask(call, bare, owner.bearer).status_code == 200, call


def test_a_cookie_from_a_foreign_page_changes_nothing(rules: list[Rule], owner: Visit):
    unsafe = [call for call in http_calls(rules, owner) if call.method != "GET" and not is_for_accounts(call)]
    assert len(unsafe) >= 7
    for call in unsafe:
        assert ask(call, owner.browser, EVIL).status_code == 403, call
    assert owner.status()["status"] == "completed"


def test_a_cookie_without_an_origin_changes_nothing(owner: Visit):
    del owner.browser.headers["Origin"]
    assert owner.cancel().status_code == 403
    assert owner.collect().status_code == 403


def test_a_foreign_page_may_not_read_the_answers(rules: list[Rule], owner: Visit):
    for call in http_calls(rules, owner):
        if call.method == "GET":
            answer = ask(call, owner.browser, EVIL)
            assert "Access-Control-Allow-Origin" not in answer.headers, call


def test_a_foreign_page_cannot_start_a_session(product: Product):
    person = product.meet().is_known_with()
    assert person.browser().post(f"{API}/tilko/session/start", json=person.form(), headers=EVIL).status_code == 403


def test_sockets_refuse_by_close_code(product: Product, owner: Visit, colleague: Visit):
    url, cookie = socket_url(owner), {"Cookie": f"welno_session={owner.token}"}
    listed = {"Origin": product.web_url}
    assert knock(url, {}) == 4401
    assert knock(url, colleague.bearer) == 4401
    assert knock(url, {"Cookie": f"welno_session={colleague.token}"} | listed) == 4401
    assert knock(url, {"Authorization": f"Bearer {owner.session_id}.forged"}) == 4401
    assert knock(url, cookie | EVIL) == 4403
    assert knock(url, cookie | listed) is None
    assert knock(url.replace(owner.session_id, str(uuid4())), owner.bearer) == 4404


def test_a_token_may_come_as_a_sub_protocol(owner: Visit):
    offered = ["welno.v1", f"welno.token.{owner.token}"]
    with connect(socket_url(owner), subprotocols=offered) as socket:
        assert socket.subprotocol == "welno.v1"
        assert receive(socket)[-1]["session_id"] == owner.session_id


def test_the_records_open_to_no_session_before_the_approval(product: Product, owner: Visit):
    """Whoever types another's data gets a push sent, and nothing else."""
    impostor = owner.person.start(patient_uuid=owner.patient_uuid).asks_for_push()
    for kind in ("checkups", "prescriptions", "report"):
        assert impostor.ask_records(kind, owner.patient_uuid).status_code == 404
    assert impostor.ask_password("set", owner.patient_uuid, password="592704").status_code == 404
    assert impostor.status()["patient_uuid"] is None


def test_the_operators_routes_want_a_member_of_staff(product: Product, owner: Visit):
    opened = {"Authorization": f"Bearer {patient_token(owner)}"}
    assert product.get(f"{API}/admin/files", headers=opened).status_code == 403
    assert product.get(f"{API}/admin/files", headers=product.staff()).status_code == 200


def patient_token(visit: Visit) -> str:
    uuid = visit.patient_uuid
    visit.ask_password("reset", uuid, password="592704")
    return str(visit.ask_password("verify", uuid, password="592704").json()["access_token"])


def test_a_phone_is_not_bombed_with_pushes(product: Product):
    person = product.meet().is_known_with()
    answers = [person.start().ask_for_push() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] + [409] * 5
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["error"]["code"] == "PUSH_PENDING"


def test_a_hospitals_visitors_share_an_address_and_are_all_served(product: Product):
    people, browser = [product.meet() for _ in range(31)], product.meet().browser()
    for person in people:
        started = browser.post(f"{API}/tilko/session/start", json=person.form())
        assert started.status_code == 201
        path = f"{API}/tilko/session/simple-auth?session_id={started.json()['session_id']}"
        assert browser.post(path).status_code == 202


def test_an_address_tries_thirty_passwords_in_ten_minutes(product: Product):
    headers = {"X-Forwarded-For": new_address()}
    url = f"{product.web_url}{API}/patients"
    with httpx.Client(headers=headers, verify=NO_TLS) as browser:
        tries = [browser.post(f"{url}/{uuid4()}/password/verify", json={"password": "592704"}) for _ in range(31)]
    assert [answer.status_code for answer in tries] == [404] * 30 + [429]
    assert int(tries[-1].headers["Retry-After"]) >= 1


def test_a_following_socket_shows_only_its_own_session(product: Product):
    mine, other = product.meet().is_known_with().start(), product.meet().is_known_with().start()
    with open_socket(mine) as socket:
        other.asks_for_push().approves().wait_for("completed")
        mine.asks_for_push().approves()
        assert {event["session_id"] for event in receive(socket)} == {mine.session_id}
