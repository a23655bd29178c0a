"""Invented people for the browser tests, and what they do on their phones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.person import new_name, new_phone
from tests.end_to_end.provider import Provider


@dataclass(frozen=True)
class Someone:
    """What a person types into the form."""

    name: str
    birthdate: str
    phone: str


@dataclass(frozen=True)
class Phones:
    """Everybody's phone, and the provider that knows them."""

    provider: Provider

    def add_person(self, **traits: Any) -> Someone:
        """One of its own for each test, so that limits per phone never meet."""
        person = Someone(new_name(), "19840517", new_phone())
        known = {"user_name": person.name, "birthdate": person.birthdate, "phone_no": person.phone, "gender": "M"}
        self.provider.learn(**known, **traits)
        return person

    def approve(self, person: Someone) -> None:
        """Once the push has arrived."""
        self.provider.approve(self.provider.cx_id_of(person.phone))

    def decline(self, person: Someone) -> None:
        """Once the push has arrived."""
        self.provider.decline(self.provider.cx_id_of(person.phone))

    @contextmanager
    def held(self, path: str, person: Someone | None = None) -> Iterator[None]:
        """While the block runs, the provider leaves calls of this path (about this person) without an answer."""
        whose = {"cxid": self.provider.cx_id_of(person.phone)} if person else {}
        with self.provider.fault(path, hold="before", **whose):
            yield
