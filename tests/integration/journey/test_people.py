"""The journey's people at rest: sealed, and found by what they know of themselves."""

import unicodedata
from dataclasses import replace
from datetime import date

import pytest

from services.journey.people import NewUser
from tests.integration.journey.ward import Ward

PERSON = NewUser("시연301", "01070000301", date(1950, 5, 5))


def test_a_person_is_found_by_four_digits_and_the_birth_date(ward: Ward):
    with ward.stores.sessions.begin() as session:
        user = ward.stores.people.add(session, PERSON)
        twin = ward.stores.people.add(session, NewUser("시연302", "01080000301", PERSON.birth_date))
        found = ward.stores.people.find_by_login(session, "0301", PERSON.birth_date)
        assert {one.user_id for one in found} == {user.user_id, twin.user_id}
        assert ward.stores.people.find_by_login(session, "0302", PERSON.birth_date) == []
        assert ward.stores.people.find_same(session, PERSON) == [user.user_id]


def test_a_name_is_the_same_however_its_letters_are_written(ward: Ward):
    decomposed = replace(PERSON, name=unicodedata.normalize("NFD", PERSON.name))
    with ward.stores.sessions.begin() as session:
        user = ward.stores.people.add(session, decomposed)
        assert user.name == PERSON.name
        user.name = decomposed.name  # as one of before
        session.flush()
        assert ward.stores.people.find_same(session, PERSON) == [user.user_id]


@pytest.mark.parametrize("typed", ["시연301 님", "시연301-웰로", " 시연301  "])
def test_a_name_is_the_same_with_what_people_add_to_it(ward: Ward, typed: str):
    with ward.stores.sessions.begin() as session:
        user = ward.stores.people.add(session, replace(PERSON, name=typed))
        assert ward.stores.people.find_same(session, PERSON) == [user.user_id]


def test_phone_and_birth_date_lie_sealed(ward: Ward):
    with ward.stores.sessions.begin() as session:
        ward.stores.people.add(session, PERSON)
    [row] = ward.rows("select phone, birth_date, phone_hash, login_hash from welno.users")
    assert not {"01070000301", "1950-05-05", "0301"} & {part for value in row for part in value.split()}
