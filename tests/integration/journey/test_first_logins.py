"""First logins of one person from several phones at once, where people may register themselves."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier
from uuid import UUID, uuid4

from services.journey.simple_login import LoginWish, log_in
from services.journey.work import JourneyWork
from tests.integration.journey.ward import Ward

_PHONES = 4


def test_first_logins_at_once_make_one_person(ward: Ward):
    together = Barrier(_PHONES)

    def sign_in(_: int) -> UUID:
        wish = LoginWish(
            phone_last4="1234",
            birth_date=date(1950, 1, 2),
            phone="01070001234",
            name="시연",
            refresh_id=str(uuid4()),
        )

        def change(journey: JourneyWork) -> UUID:
            journey.settings = replace(journey.settings, allows_self_registration=True)
            together.wait(timeout=20)
            return log_in(journey, ward.stores.people, wish).user.user_id

        return ward.stores.journeys.run(change)

    with ThreadPoolExecutor(_PHONES) as pool:
        assert len(set(pool.map(sign_in, range(_PHONES)))) == 1
    assert len(ward.rows("select 1 from welno.users")) == 1
