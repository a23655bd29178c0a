"""Which records of a person a data call asks for; equal questions always build equal lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dev.sandbox.checkups import build_checkups
from dev.sandbox.people import Person
from dev.sandbox.prescriptions import build_treatments
from dev.sandbox.spelling import USUAL, respell_checkups, respell_treatments

CHECKUPS, PRESCRIPTIONS = "checkups", "prescriptions"


@dataclass(frozen=True, slots=True)
class Question:
    """`window` holds the first and last day of treatments; None asks for the checkups."""

    person: Person
    seed: int
    today: date
    window: tuple[date, date] | None

    @property
    def kind(self) -> str:
        return CHECKUPS if self.window is None else PRESCRIPTIONS

    def build(self) -> Sequence[dict[str, Any] | None] | None:
        if self.window is None:
            rows, respell = build_checkups(self.person, self.seed, self.today), respell_checkups
        else:
            rows = build_treatments(self.person, self.seed, self.today, *self.window)
            respell = respell_treatments
        return rows if rows is None or self.person.spelling == USUAL else respell(rows)
