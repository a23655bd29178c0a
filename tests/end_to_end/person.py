"""An invented person at a browser of their own, and one visit of theirs: from the consent to the records."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from models.patients import ConsentKind
from tests.end_to_end.provider import Provider
from tests.plain_http import NO_TLS
from tests.waiting import WAIT_SECONDS, wait_until

API = "/api/v1"
TREND, REPORT_PAGE = "/results-trend", "/disease-report"
_numbers = itertools.count(random.randrange(10_000_000, 80_000_000))
_addresses = itertools.count(1)
_SYLLABLES = "가나다라마바사아자차카타파하"


def new_phone() -> str:
    return f"010{next(_numbers):08d}"


def new_address() -> str:
    """Everybody comes from an address of their own, as a proxy would tell it."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def new_name() -> str:
    return "한" + "".join(random.choices(_SYLLABLES, k=2))


def kind_of(event: dict[str, Any]) -> str:
    """What an event says: its type, or the state that a `streaming_status` carries."""
    return str(event["status"] if event["type"] == "streaming_status" else event["type"])


@dataclass
class Person:
    """Known to the provider by name, birth date and phone."""

    web_url: str
    provider: Provider
    browsers: list[httpx.Client] = field(repr=False)
    user_name: str = field(default_factory=new_name)
    birthdate: str = "19840517"
    phone_no: str = field(default_factory=new_phone)
    gender: str = "F"
    origin: str | None = None  # of the page, where that is not the web process that they talk to

    def is_known_with(self, **records: Any) -> "Person":
        """Tell the provider of them: how many checkups, prescriptions and so on."""
        who = {name: getattr(self, name) for name in ("user_name", "birthdate", "phone_no", "gender")}
        self.provider.learn(**{"checkups": 3, "prescriptions": 6, "image_bytes": 64} | who | records)
        return self

    def form(self, **changes: Any) -> dict[str, Any]:
        """What they type."""
        who = {name: getattr(self, name) for name in ("user_name", "birthdate", "phone_no", "gender")}
        return {"private_auth_type": "0", "redirect_path": TREND, "consents": list(ConsentKind)} | who | changes

    def browser(self) -> httpx.Client:
        """A new one, closed when the test ends."""
        headers = {"Origin": self.origin or self.web_url, "X-Forwarded-For": new_address()}
        browser = httpx.Client(base_url=self.web_url, headers=headers, timeout=20, verify=NO_TLS)
        self.browsers.append(browser)
        return browser

    def start(self, **changes: Any) -> "Visit":
        browser = self.browser()
        answer = browser.post(f"{API}/tilko/session/start", json=self.form(**changes))
        assert answer.status_code == 201, answer.text
        return Visit(self, browser, answer.json()["session_id"], answer.json()["session_token"])

    def collects(self, **changes: Any) -> "Visit":
        """From the start to `completed`, without a detour."""
        visit = self.start(**changes).asks_for_push().approves()
        visit.wait_for("completed")
        return visit


@dataclass
class Visit:
    """One session. The browser holds the cookie; `bearer` is what a client without one sends."""

    person: Person
    browser: httpx.Client
    session_id: str
    token: str
    cx_id: str = ""

    @property
    def current_token(self) -> str:
        """That of the approval, once the browser was given it."""
        kept = [cookie.value for cookie in self.browser.cookies.jar if cookie.name.endswith("welno_session")]
        return kept[-1] if kept and kept[-1] else self.token

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.current_token}"}

    @property
    def path(self) -> str:
        return f"{API}/tilko/session/{self.session_id}"

    def ask_for_push(self) -> httpx.Response:
        return self.browser.post(f"{API}/tilko/session/simple-auth", params={"session_id": self.session_id})

    def asks_for_push(self) -> "Visit":
        answer = self.ask_for_push()
        assert answer.status_code == 202, answer.text
        return self

    def approves(self) -> "Visit":
        """On the phone."""
        self.cx_id = self.person.provider.cx_id_of(self.person.phone_no)
        self.person.provider.approve(self.cx_id)
        return self

    def collect(self) -> httpx.Response:
        return self.browser.post(f"{self.path}/collect-data")

    def cancel(self) -> httpx.Response:
        return self.browser.delete(self.path)

    def status(self) -> dict[str, Any]:
        answer = self.browser.get(f"{self.path}/status")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def events(self, after_seq: int = 0) -> list[dict[str, Any]]:
        """Waits its turn after a minute of being asked for too often, as a slow machine has it."""
        path, asked = f"{self.path}/messages", {"after_seq": after_seq}

        def ask() -> httpx.Response | None:
            answer = self.browser.get(path, params=asked)
            return answer if answer.status_code != 429 else None

        answer = wait_until(ask, 2 * WAIT_SECONDS, every=1)
        assert answer is not None
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def kinds(self) -> list[str]:
        return [kind_of(event) for event in self.events()]

    def wait_for(self, kind: str, timeout: float = WAIT_SECONDS) -> dict[str, Any]:
        """The first event of this kind."""
        pick: Callable[[], list[dict[str, Any]]] = lambda: [one for one in self.events() if kind_of(one) == kind]  # noqa: E731
        try:
            return wait_until(pick, timeout, every=0.05)[0]
        except AssertionError as exc:
            raise AssertionError(f"no {kind} among {self.kinds()}") from exc

    def ask_records(self, kind: str, patient_uuid: str, **asked: Any) -> httpx.Response:
        return self.browser.get(f"{API}/patients/{patient_uuid}/{kind}", **asked)

    def ask_password(self, action: str, patient_uuid: str, **body: str) -> httpx.Response:
        return self.browser.post(f"{API}/patients/{patient_uuid}/password/{action}", json=body)

    @property
    def patient_uuid(self) -> str:
        return str(self.wait_for("completed")["data"]["patient_uuid"])
