"""The journey's people: made, and found again by what they know of themselves. Phone and birth date are sealed."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.letters import compose
from core.sealing import Sealer
from models.journey import JourneyUser
from services.patients.identity import normalize_name
from services.patients.pseudonyms import PseudonymOf, pseudonym_of

_LAST_DIGITS = 4


@dataclass(frozen=True)
class NewUser:
    """`phone` is the whole number, in digits."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    birth_date: date = field(repr=False)


class UserDirectory:
    """Built once from the settings; every method works in the transaction of its session."""

    def __init__(self, sealer: Sealer, pseudonym_key: str) -> None:
        self._sealer = sealer
        self._key = pseudonym_key

    def add(self, session: Session, person: NewUser, user_id: UUID | None = None) -> JourneyUser:
        """Also somebody who looks like one that is there: a family may share a phone."""
        made = user_id or uuid4()
        user = JourneyUser(
            user_id=made,
            name=compose(person.name),
            phone=self._sealer.seal_text(person.phone, phone_context(made)),
            phone_hash=self.hash_phone(person.phone),
            login_hash=self.hash_login(person.phone[-_LAST_DIGITS:], person.birth_date),
            birth_date=self._sealer.seal_text(person.birth_date.isoformat(), birth_date_context(made)),
        )
        session.add(user)
        session.flush()
        return user

    def open(self, user: JourneyUser) -> NewUser:
        """What is known of somebody, for themselves. Raises SealError."""
        phone = self._sealer.open_text(user.phone, phone_context(user.user_id))
        born = self._sealer.open_text(user.birth_date, birth_date_context(user.user_id))
        return NewUser(user.name, phone, date.fromisoformat(born))

    def find_by_login(self, session: Session, phone_last4: str, birth_date: date) -> list[JourneyUser]:
        """All whose phone ends with these digits and who were born on this day."""
        query = select(JourneyUser).where(JourneyUser.login_hash == self.hash_login(phone_last4, birth_date))
        return list(session.scalars(query.order_by(JourneyUser.created_at)))

    def find_same(self, session: Session, person: NewUser) -> list[UUID]:
        """Whoever of the journey is this very person, by all three."""
        query = select(JourneyUser).where(
            JourneyUser.phone_hash == self.hash_phone(person.phone),
            JourneyUser.login_hash == self.hash_login(person.phone[-_LAST_DIGITS:], person.birth_date),
        )
        return [user.user_id for user in session.scalars(query) if has_name(user, person.name)]

    def hash_phone(self, phone: str) -> str:
        return pseudonym_of(self._key, PseudonymOf.JOURNEY_PHONE, phone)

    def hash_login(self, phone_last4: str, birth_date: date) -> str:
        return pseudonym_of(self._key, PseudonymOf.JOURNEY_LOGIN, f"{phone_last4}\x1f{birth_date.isoformat()}")


def has_name(user: JourneyUser, name: str) -> bool:
    """As the patients' names are compared: people type spaces and `님` as they like, and names of before may be stored
    decomposed."""
    return normalize_name(user.name) == normalize_name(name)


def phone_context(user_id: UUID) -> str:
    """What the seal of a phone is bound to."""
    return f"journey_phone:{user_id}"


def birth_date_context(user_id: UUID) -> str:
    return f"journey_birth_date:{user_id}"
