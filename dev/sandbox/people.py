"""The invented people of the sandbox: who they are, what is on file for them, and how they behave on the phone."""

import json
import random
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dev.sandbox.inputs import KOREAN_DAY
from dev.sandbox.spelling import USUAL

AUTHENTICATORS = {
    "0": "카카오톡",
    "1": "페이코",
    "2": "국민은행",
    "3": "삼성패스",
    "4": "통신사 PASS",
    "5": "신한인증서",
    "6": "네이버",
}
EVERY_AUTHENTICATOR = tuple(AUTHENTICATORS)
WAITING_ANSWERS = ("alternate", "html", "4115", "message")


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person. `checkups`/`prescriptions`: number of records; None makes the provider answer null.

    `login_check_late_seconds`, `data_late_seconds`: LoginCheck, or the data calls, hear of the approval so much later.
    """

    user_name: str
    birthdate: str
    phone_no: str
    gender: str
    checkups: int | None = 10
    prescriptions: int | None = 24
    older_prescriptions: int = 0
    image_bytes: int = 512
    authenticators: tuple[str, ...] = EVERY_AUTHENTICATOR
    auto_approve_seconds: float | None = None
    auto_decline_seconds: float | None = None
    waiting_answer: str = "alternate"
    login_check_late_seconds: float = 0.0
    data_late_seconds: float = 0.0
    newest_lacks_sugar: bool = False
    spelling: str = USUAL

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.user_name, self.birthdate, self.phone_no)

    @property
    def born(self) -> date:
        return datetime.strptime(self.birthdate, KOREAN_DAY).date()  # noqa: DTZ007 - a day has no time zone

    def dice(self, seed: int, subject: str) -> random.Random:
        """The same person, seed and subject always throw the same numbers."""
        return random.Random(f"{seed}|{subject}|{'|'.join(self.identity)}")


def _read_person(known: dict[str, Any]) -> Person:
    """What the demo's start page tells of them, `about`, is no part of them."""
    traits = {name: value for name, value in known.items() if name != "about"}
    return Person(**{**traits, "authenticators": tuple(known.get("authenticators", EVERY_AUTHENTICATOR))})


SEED_PEOPLE = tuple(
    _read_person(known) for known in json.loads(Path(__file__).with_name("people.json").read_text(encoding="utf-8"))
)


class People:
    """Everybody the provider knows, found by name, birth date and phone number together."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Person] = {person.identity: person for person in SEED_PEOPLE}

    def add(self, person: Person) -> None:
        """A second person with the same identity replaces the first."""
        self._known[person.identity] = person

    def find(self, user_name: str, birthdate: str, phone_no: str) -> Person | None:
        return self._known.get((user_name, birthdate, phone_no))

    def what_differs(self, user_name: str, birthdate: str, phone_no: str) -> str:
        """Which of `name`, `birth`, `phone` keeps the nearest person from fitting; `everything` if two or more do."""
        given = (user_name, birthdate, phone_no)
        for known in self._known:
            differing = [label for label, a, b in zip(("name", "birth", "phone"), given, known, strict=True) if a != b]
            if len(differing) == 1:
                return differing[0]
        return "everything"
