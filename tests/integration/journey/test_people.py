"""The journey's people at rest: sealed, found by what they know of themselves, sealed anew with another key."""

from datetime import date

from core.sealing import Sealer
from services.journey.people import NewUser, birth_date_context, phone_context
from services.journey.sealed_people import count_people_keys, reseal_people
from tests.integration.journey.ward import Ward

PERSON = NewUser("시연301", "01070000301", date(1950, 5, 5))
OTHER_KEY = bytes(range(1, 33))


def test_a_person_is_found_by_four_digits_and_the_birth_date(ward: Ward):
    with ward.stores.sessions.begin() as session:
        user = ward.stores.people.add(session, PERSON)
        twin = ward.stores.people.add(session, NewUser("시연302", "01080000301", PERSON.birth_date))
        found = ward.stores.people.find_by_login(session, "0301", PERSON.birth_date)
        assert {one.user_id for one in found} == {user.user_id, twin.user_id}
        assert ward.stores.people.find_by_login(session, "0302", PERSON.birth_date) == []
        assert ward.stores.people.find_same(session, PERSON) == [user.user_id]


def test_phone_and_birth_date_lie_sealed(ward: Ward):
    with ward.stores.sessions.begin() as session:
        ward.stores.people.add(session, PERSON)
    [row] = ward.rows("select phone, birth_date, phone_hash, login_hash from welno.users")
    assert not {"01070000301", "1950-05-05", "0301"} & {part for value in row for part in value.split()}


def test_they_are_sealed_anew_so_that_the_old_key_can_go(ward: Ward):
    with ward.stores.sessions.begin() as session:
        ids = [ward.stores.people.add(session, PERSON).user_id for _ in range(3)]
        rotated = Sealer({"new": OTHER_KEY} | ward.stores.settings.secrets.sealing_keys)
        first = reseal_people(session, rotated, after=None, limit=2)
        second = reseal_people(session, rotated, after=first.last, limit=2)
        assert (first.done, second.done, second.last) == (4, 2, None)
        assert count_people_keys(session) == {"new": 6}
        assert reseal_people(session, rotated, after=None, limit=9).done == 0
    alone = Sealer({"new": OTHER_KEY})
    for row in ward.rows("select user_id, phone, birth_date from welno.users"):
        assert row.user_id in ids
        assert alone.open_text(row.phone, phone_context(row.user_id)) == PERSON.phone
        assert alone.open_text(row.birth_date, birth_date_context(row.user_id)) == "1950-05-05"


def test_what_does_not_open_is_counted_and_left(ward: Ward):
    with ward.stores.sessions.begin() as session:
        ward.stores.people.add(session, PERSON)
        found = reseal_people(session, Sealer({"new": OTHER_KEY}), after=None, limit=9)
        assert (found.done, found.unopened) == (0, 1)
