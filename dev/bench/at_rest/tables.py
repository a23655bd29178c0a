"""The same invented people and records in two forms: as the product keeps them, and sealed with a blind index."""

import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from psycopg2.extras import execute_values

from core.derived_keys import MasterKey, derive_key
from core.sealing import Sealer
from dev.sandbox.checkups import build_checkups
from dev.sandbox.people import Person
from dev.sandbox.prescriptions import build_treatments

_SEED, _TODAY = 7, date(2026, 11, 21)
_SCHEMA = """
    create schema bench;
    create table bench.plain_patients (uuid uuid primary key, phone text, birth_date date, name text,
        unique (phone, birth_date, name));
    create table bench.sealed_patients (uuid uuid primary key, phone_index bytea, person_index bytea unique,
        person bytea);
    create index on bench.sealed_patients (phone_index);
    create table bench.plain_records (id bigserial primary key, patient_uuid uuid, day date, document jsonb);
    create index on bench.plain_records (patient_uuid, day);
    create table bench.sealed_records (id bigserial primary key, patient_uuid uuid, day date, document bytea);
    create index on bench.sealed_records (patient_uuid, day);
"""


@dataclass(frozen=True)
class Found:
    """Somebody that a search brought."""

    uuid: UUID
    name: str
    birth_date: str


class Plain:
    """Columns in clear, results as JSONB."""

    name = "plain"

    def write_patients(self, cursor: Any, people: Sequence[tuple[UUID, Person]]) -> None:
        rows = [(str(uuid), one.phone_no, _birth_date(one), one.user_name) for uuid, one in people]
        execute_values(cursor, "insert into bench.plain_patients values %s", rows)

    def find(self, cursor: Any, phone: str) -> list[Found]:
        cursor.execute("select uuid, name, birth_date from bench.plain_patients where phone = %s", (phone,))
        return [Found(UUID(uuid), name, born.isoformat()) for uuid, name, born in cursor]

    def write_records(self, cursor: Any, patient: UUID, records: Sequence[dict[str, Any]]) -> None:
        rows = [(str(patient), _day(index), orjson.dumps(one).decode()) for index, one in enumerate(records)]
        execute_values(cursor, "insert into bench.plain_records (patient_uuid, day, document) values %s", rows)

    def read_records(self, cursor: Any, patient: UUID) -> list[Any]:
        # As text: psycopg2 would read it with the slower parser of the standard library.
        statement = "select document::text from bench.plain_records where patient_uuid = %s order by day desc, id desc"
        cursor.execute(statement, (str(patient),))
        return [orjson.loads(document) for (document,) in cursor]


class Sealed:
    """Columns under AES-256-GCM, each bound to its row; a phone is found by its HMAC (a blind index)."""

    name = "sealed"

    def __init__(self) -> None:
        master = MasterKey(os.urandom(32))
        self._sealer = Sealer({"bench": master})
        self._index_key = derive_key(master, "blind index")

    def write_patients(self, cursor: Any, people: Sequence[tuple[UUID, Person]]) -> None:
        rows = [(str(uuid), *self._indexed(one), self._seal_person(uuid, one)) for uuid, one in people]
        execute_values(cursor, "insert into bench.sealed_patients values %s", rows)

    def find(self, cursor: Any, phone: str) -> list[Found]:
        statement = "select uuid, person from bench.sealed_patients where phone_index = %s"
        cursor.execute(statement, (self._index("phone", phone),))
        return [self._open_person(UUID(uuid), bytes(person)) for uuid, person in cursor]

    def write_records(self, cursor: Any, patient: UUID, records: Sequence[dict[str, Any]]) -> None:
        seal, context = self._sealer.seal, f"record:{patient}"
        rows = [(str(patient), _day(index), seal(orjson.dumps(one), context)) for index, one in enumerate(records)]
        execute_values(cursor, "insert into bench.sealed_records (patient_uuid, day, document) values %s", rows)

    def read_records(self, cursor: Any, patient: UUID) -> list[Any]:
        statement = "select document from bench.sealed_records where patient_uuid = %s order by day desc, id desc"
        cursor.execute(statement, (str(patient),))
        open_one, context = self._sealer.open, f"record:{patient}"
        return [orjson.loads(open_one(bytes(document), context)) for (document,) in cursor]

    def _indexed(self, one: Person) -> tuple[bytes, bytes]:
        whole = f"{one.phone_no}\x1f{one.birthdate}\x1f{one.user_name}"
        return self._index("phone", one.phone_no), self._index("person", whole)

    def _index(self, kind: str, value: str) -> bytes:
        return hmac.new(self._index_key, f"{kind}\x1f{value}".encode(), hashlib.sha256).digest()[:16]

    def _seal_person(self, uuid: UUID, one: Person) -> bytes:
        known = {"phone": one.phone_no, "birth_date": _birth_date(one), "name": one.user_name}
        return self._sealer.seal(orjson.dumps(known), f"person:{uuid}")

    def _open_person(self, uuid: UUID, sealed: bytes) -> Found:
        known = orjson.loads(self._sealer.open(sealed, f"person:{uuid}"))
        return Found(uuid, known["name"], known["birth_date"])


def make_tables(cursor: Any) -> None:
    cursor.execute(_SCHEMA)


def invent_people(count: int) -> list[tuple[UUID, Person]]:
    return [(uuid4(), Person("김하늘", "19840517", f"010{number:08d}", "M")) for number in range(count)]


def invent_records(count: int) -> list[dict[str, Any]]:
    """Checkups and treatments as a provider serves them, in turn, without pictures."""
    person = Person("김하늘", "19840517", "01012345678", "M")
    treatments = build_treatments(person, _SEED, _TODAY, _TODAY - timedelta(days=420), _TODAY) or []
    rows = [*(build_checkups(person, _SEED, _TODAY) or []), *treatments]
    return [_without_pictures(rows[index % len(rows)]) for index in range(count)]


def _without_pictures(value: Any) -> Any:
    """The product keeps them in a column of their own and reads them seldom."""
    if isinstance(value, dict):
        return {name: _without_pictures(inner) for name, inner in _small(value)}
    return [_without_pictures(inner) for inner in value] if isinstance(value, list) else value


def _small(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, inner) for name, inner in value.items() if not isinstance(inner, str) or len(inner) < 2_000)


def _birth_date(one: Person) -> str:
    return f"{one.birthdate[:4]}-{one.birthdate[4:6]}-{one.birthdate[6:]}"


def _day(index: int) -> date:
    return _TODAY - timedelta(days=index)
