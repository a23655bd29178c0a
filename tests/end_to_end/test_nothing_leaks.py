"""A canary goes through everything that can happen, and is then searched for wherever the product leaves a trace."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import text

from core.sealing import Sealer
from core.settings import Settings
from tests.end_to_end.following import knock, open_socket, read_sse, receive, socket_url
from tests.end_to_end.haystack import Wiretap, file_contents, find_in, flower_contents, redis_contents
from tests.end_to_end.person import API, REPORT_PAGE, Person, Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import LOGIN_CHECK, PUSH, REPORT, TREATMENTS
from tests.waiting import wait_until

NAME, BIRTHDATE, PASSWORD = "곽카나리", "19631119", "907214"


@dataclass
class Trail:
    """What the canary is known by, what they were told when refused, and what was found on the way."""

    needles: dict[str, str] = field(default_factory=dict)
    errors: list[httpx.Response] = field(default_factory=list)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    channels: set[bytes] = field(default_factory=set)


class Canary:
    """One person who meets every fault there is."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.trail = Trail()
        self.person = product.meet(user_name=NAME, birthdate=BIRTHDATE, gender="M").is_known_with(checkups=4)

    def flies(self) -> None:
        self.takes_both_paths()
        self.is_refused_everywhere()
        self.meets_the_providers_errors()
        self.gives_up_waiting()
        self.has_a_file_that_fails()

    def knows(self, visit: Visit) -> Visit:
        secret = visit.token.partition(".")[2]
        self.trail.needles |= {f"token {visit.session_id}": secret}
        return visit

    def channels_of_readers(self) -> set[bytes]:
        """All there are, once a reader's subscription is among them."""
        channels = set(self.product.redis.pubsub_channels())
        return channels if any(b"tilko_session" in channel for channel in channels) else set()

    def takes_both_paths(self) -> None:
        for path in ("/results-trend", REPORT_PAGE):
            visit = self.knows(self.person.start(redirect_path=path)).asks_for_push()
            visit.wait_for("auth_waiting")
            self.knows_tokens_of(visit)
            self.trail.snapshots["redis, waiting"] = redis_contents(self.product.redis)
            with open_socket(visit) as socket:
                self.trail.channels |= wait_until(self.channels_of_readers)
                visit.approves()
                receive(socket)
            read_sse(visit)
            self.knows_records_of(visit)
        visit.ask_password("set", visit.patient_uuid, password=PASSWORD)

    def knows_tokens_of(self, visit: Visit) -> None:
        """As only PostgreSQL has them, sealed."""
        query = "select auth from welno.welno_collection_history where session_id = :s"
        sealed = self.product.rows(query, s=visit.session_id)[0]["auth"]
        keys = Settings.read(self.product.stack.env).secrets.sealing_keys
        opened = Sealer(keys).open(bytes(sealed), f"auth:{visit.session_id}").decode()
        tokens = [value for value in opened.split('"') if len(value) >= 16 and value not in str(visit.events())]
        assert len(tokens) >= 2
        self.trail.needles |= {f"provider token {number}": token for number, token in enumerate(tokens)}

    def knows_records_of(self, visit: Visit) -> None:
        served = self.product.provider.served_to(visit.cx_id)
        places = {row["Location"] for row in served["checkups"][0]["ResultList"]}
        for row in served["prescriptions"][0]["ResultList"]:
            places |= {row["ByungEuiwonYakGukMyung"], row["Address"]}
            details = row["RetrieveTreatmentInjectionInformationPersonDetailList"]
            places |= {detail["ChoBangYakPumMyung"] for detail in details}
        self.trail.needles |= {f"record {place}": place for place in places if len(place) > 3}

    def is_refused_everywhere(self) -> None:
        visit, browser = self.knows(self.person.collects()), self.person.browser()
        uuid = visit.patient_uuid
        wrong = {"user_name": f"{NAME}!", "phone_no": f"{self.person.phone_no}9", "birthdate": f"{BIRTHDATE}0"}
        self.trail.errors += [
            browser.post(f"{API}/tilko/session/start", json=self.person.form(**wrong)),
            browser.post(f"{API}/tilko/session/start", json=self.person.form(**{NAME: self.person.phone_no})),
            browser.post(f"{API}/tilko/session/start", content=f'{{"user_name": "{NAME}", '.encode()),
            browser.get(f"{visit.path}/status"),
            browser.get(f"{API}/{NAME}/{self.person.phone_no}"),
            browser.get(f"{API}/patients/{uuid}/checkups", params={"after": NAME}),
            visit.ask_password("verify", uuid, password="000000"),
            visit.ask_password("set", uuid, password=PASSWORD),
        ]
        knock(socket_url(visit), {"Authorization": f"Bearer {visit.session_id}.forged"})

    def meets_the_providers_errors(self) -> None:
        """The provider repeats in its messages what it was sent."""
        words = f"{NAME} {self.person.phone_no} {BIRTHDATE}"
        for path, said in ((PUSH, f"입력하신 정보 {words}"), (PUSH, words), (LOGIN_CHECK, f"사용자 정보 {words}")):
            visit = self.knows(self.another().start())
            with self.product.provider.fault(path, error_code=9001, message=said):
                visit.asks_for_push()
                wait_until(lambda visit=visit: {"info_required", "error"} & set(visit.kinds()))
        visit = self.knows(self.another().start(redirect_path=REPORT_PAGE)).asks_for_push()
        with self.product.provider.fault(LOGIN_CHECK, error_code=9001, message=words):
            visit.wait_for("auth_timeout")
        with (
            self.product.provider.fault(TREATMENTS, error_code=9002, message=words),
            self.product.provider.fault(REPORT, status=400, message=words),
        ):
            visit.approves().wait_for("completed")
        self.another(known=False).start().asks_for_push().wait_for("info_required")

    def gives_up_waiting(self) -> None:
        visit = self.knows(self.another().start()).asks_for_push()
        visit.collect()
        visit.wait_for("auth_timeout")
        visit.cancel()

    def has_a_file_that_fails(self) -> None:
        """The database's own error quotes the row that it refused."""
        person = self.another()
        visit = self.knows(person.start()).asks_for_push()
        table = "welno.welno_checkup_data"
        with self.product.engine.begin() as connection:
            connection.execute(text(f"alter table {table} add constraint full_now check (year < 0) not valid"))
        try:
            visit.approves().wait_for("collection_error")
            self.trail.snapshots["redis, failing"] = redis_contents(self.product.redis)
        finally:
            self.product.execute(f"alter table {table} drop constraint full_now")
        visit.wait_for("completed")

    def another(self, *, known: bool = True) -> Person:
        """The same name and birthday with another phone: a phone takes only so many pushes."""
        person = self.product.meet(user_name=NAME, birthdate=BIRTHDATE, gender="M")
        phone = person.phone_no
        self.trail.needles |= {f"phone {phone}": phone, f"dashed {phone}": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"}
        self.trail.needles |= {f"abroad {phone}": f"8210{phone[3:]}"}
        return person.is_known_with() if known else person


@pytest.fixture(scope="module")
def trail(running_product: Product) -> Iterator[Trail]:
    product, canary = running_product, Canary(running_product)
    phone = canary.person.phone_no
    canary.trail.needles |= {
        "name": NAME,
        "phone": phone,
        "dashed phone": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        "phone abroad": f"8210{phone[3:]}",
        "birth date": BIRTHDATE,
        "dashed birth date": "1963-11-19",
        "password": f'"{PASSWORD}"',
        **{name: value for name, value in product.stack.env.items() if name.endswith(("_API_KEY", "_SECRET", "_KEYS"))},
    }
    with Wiretap(product.stack.valkey.url) as wiretap:
        canary.flies()
    canary.trail.snapshots["every command to redis"] = wiretap.text
    canary.trail.snapshots["redis, at the end"] = redis_contents(product.redis)
    yield canary.trail
    product.close_browsers()


def search(trail: Trail, places: dict[str, bytes]) -> dict[str, list[str]]:
    """What was found, by the place where it lay."""
    return {place: found for place, hay in places.items() if (found := find_in(trail.needles, hay))}


def test_the_search_finds_what_is_there(product: Product, trail: Trail):
    """Else finding nothing would mean nothing."""
    everything = trail.snapshots["every command to redis"]
    session = product.rows("select session_id from welno.welno_collection_history where masked_name like '곽%'")
    assert find_in({"session": str(session[0]["session_id"])}, everything) == ["session"]
    for hidden in (
        "곽카나리",
        "%EA%B3%BD%EC%B9%B4%EB%82%98%EB%A6%AC",
        r"\uacfd\uce74\ub098\ub9ac",
        "eyJuIjogIuqzvey5tOuCmOumrCJ9",
    ):
        assert find_in({"name": NAME}, hidden.encode()) == ["name"], hidden
    stored = product.rows("select name from welno.welno_patients where name = :n", n=NAME)
    assert stored, "PostgreSQL does know them"
    assert len(trail.needles) > 40


def test_redis_and_the_broker_never_held_the_canary(trail: Trail):
    assert search(trail, trail.snapshots) == {}


def test_the_names_of_channels_say_nothing(trail: Trail):
    assert any(b"tilko_session" in channel for channel in trail.channels)
    assert find_in(trail.needles, b"\n".join(trail.channels)) == []


def test_no_log_and_no_file_holds_the_canary(product: Product, trail: Trail):
    files = file_contents(product)
    logs = {f"logs/{name}.log" for name in ("web", "worker", "poller", "sweeper", "beat", "flower")}
    assert logs <= set(files)
    assert sum(path.startswith("tilko_data/completed/") for path in files) >= 9
    # PostgreSQL's own log belongs to PostgreSQL: it may quote the statement that it refused.
    assert search(trail, {path: hay for path, hay in files.items() if path != "logs/postgres.log"}) == {}


def test_flower_and_the_metrics_hold_nothing_of_the_canary(product: Product, trail: Trail):
    pages = flower_contents(product) | {"web": product.get("/metrics").content}
    assert b"welno.collection.fetch_prescriptions" in pages["/api/tasks?limit=10000"]
    assert b"welno_http_requests_total" in pages["web"]
    assert search(trail, pages) == {}


def test_no_error_repeats_what_was_sent(trail: Trail):
    assert [answer.status_code for answer in trail.errors] == [400, 400, 415, 404, 404, 404, 401, 409]
    for answer in trail.errors:
        assert find_in(trail.needles, answer.content + str(answer.headers).encode()) == [], answer.status_code
        assert set(answer.json()) == {"success", "error", "request_id"}
