"""The invented people who come all the time, each with records of their own at the provider."""

import itertools
import random
from dataclasses import dataclass

from models.patients import ConsentKind

_SYLLABLES = "가나다라마바사아자차카타파하"
_FIRST_NUMBER = 30_000_000
_RETURNING = 0.1


@dataclass(frozen=True)
class InventedPerson:
    """Somebody who approves by themselves, after a moment."""

    user_name: str
    birthdate: str
    phone_no: str
    gender: str
    checkups: int
    prescriptions: int
    approves_after: float

    def to_sandbox(self) -> dict[str, object]:
        return {
            "user_name": self.user_name,
            "birthdate": self.birthdate,
            "phone_no": self.phone_no,
            "gender": self.gender,
            "checkups": self.checkups,
            "prescriptions": self.prescriptions,
            "image_bytes": 64,
            "auto_approve_seconds": self.approves_after,
        }

    def to_start(self, *, wants_report: bool) -> dict[str, object]:
        asked: dict[str, object] = {
            "user_name": self.user_name,
            "birthdate": self.birthdate,
            "phone_no": self.phone_no,
            "gender": self.gender,
            "private_auth_type": "0",
            "consents": list(ConsentKind),
        }
        return asked | ({"redirect_path": "/disease-report"} if wants_report else {})


class PersonGenerator:
    """New people, and one in ten who came before and has ended: of two sessions at once, the phone is asked for one."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._numbers = itertools.count(_FIRST_NUMBER)
        self._known: list[InventedPerson] = []

    def next(self) -> InventedPerson:
        if self._known and self._rng.random() < _RETURNING:
            return self._rng.choice(self._known)
        return self._invent()

    def may_return(self, person: InventedPerson) -> None:
        self._known.append(person)

    def _invent(self) -> InventedPerson:
        rng = self._rng
        return InventedPerson(
            user_name="".join(rng.choices(_SYLLABLES, k=3)),
            birthdate=f"{rng.randint(1950, 2004)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}",
            phone_no=f"010{next(self._numbers):08d}",
            gender=rng.choice("MF"),
            checkups=rng.choice((0, 1, 3, 6, 10)),
            prescriptions=rng.choice((0, 2, 8, 24)),
            approves_after=rng.uniform(0.2, 3.0),
        )
