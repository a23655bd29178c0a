"""Invented people for the browser tests: each test has one of its own, so that limits per phone never meet."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.waiting import wait_until

_NAMES = ("김하늘", "이보람", "박가온", "최다온", "정새벽", "한바다", "윤슬기", "오나래")
_numbers = itertools.count(10_000_001)


@dataclass(frozen=True)
class Person:
    name: str
    birthdate: str
    phone: str
    gender: str


class Phones:
    """The sandbox's control door: makes people known to the provider, and acts for them on their phones."""

    def __init__(self, sandbox_url: str) -> None:
        self._http = httpx.Client(base_url=sandbox_url, timeout=10, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def add_person(self, **traits: Any) -> Person:
        number = next(_numbers)
        person = Person(_NAMES[number % len(_NAMES)], "19840517", f"010{number}", "M")
        body = {"user_name": person.name, "birthdate": person.birthdate, "phone_no": person.phone}
        self._http.post("/control/people", json={**body, "gender": person.gender, **traits}).raise_for_status()
        return person

    def approve(self, person: Person) -> None:
        """Once the push has arrived."""
        self._http.post("/control/approve", json={"CxId": self.pushed_to(person)}).raise_for_status()

    def pushed_to(self, person: Person) -> str:
        """The number of the request that waits on this person's phone, once it is there."""
        return str(wait_until(lambda: self._pending(person))["CxId"])

    @contextmanager
    def held(self, path: str, cxid: str | None = None) -> Iterator[None]:
        """Within it the provider leaves calls of this path without an answer."""
        fault = {"path": path, "hold": "before", **({"cxid": cxid} if cxid else {})}
        fault_id = self._http.post("/control/faults", json=fault).raise_for_status().json()["fault_id"]
        try:
            yield
        finally:
            self._http.delete(f"/control/faults/{fault_id}").raise_for_status()

    def _pending(self, person: Person) -> dict[str, Any]:
        requests = self._http.get("/control/requests").raise_for_status().json()["requests"]
        found = [one for one in requests if one["UserCellphoneNumber"] == person.phone]
        return found[-1] if found else {}
