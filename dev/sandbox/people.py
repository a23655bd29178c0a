"""The invented people of the sandbox: who they are, what is on file for them, and how they behave on the phone."""

import random
from dataclasses import dataclass
from datetime import date, datetime

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


SEED_PEOPLE = (
    Person("김하늘", "19840517", "01000000001", "M", older_prescriptions=6),
    Person("이보람", "19911203", "01000000002", "F", checkups=0, prescriptions=6),
    Person("박가온", "19780228", "01000000003", "M", checkups=None, prescriptions=None),
    Person("최다온", "19590721", "01000000004", "F", prescriptions=420, older_prescriptions=60, image_bytes=24_000),
    Person("정새벽", "19961009", "01000000005", "M", checkups=4, prescriptions=12, authenticators=("0",)),
    Person("한바다", "20000131", "01000000006", "M", checkups=2, auto_decline_seconds=3.0),
    Person("윤슬기", "19880808", "01000000007", "F", auto_approve_seconds=5.0, newest_lacks_sugar=True),
    Person("오나래", "19730415", "01000000008", "F", prescriptions=0, waiting_answer="html"),
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
