"""The demo's people for threads are made once, and what is there stays."""

import pytest
from sqlalchemy import select, update

from models.accounts import Account
from services.threads.demo import seed_correspondents

from .room import Room


def accounts(room: Room) -> set[tuple[object, ...]]:
    with room.stores.sessions() as session:
        rows = session.execute(select(Account.kind, Account.role, Account.login, Account.is_active))
        return {tuple(row) for row in rows}


def test_the_demos_people_are_made_once_and_what_is_there_stays(room: Room):
    others = accounts(room)
    with room.stores.unit_of_work() as work:
        seed_correspondents(work.session, lambda: "a hash")
    with room.stores.unit_of_work() as work:
        work.session.execute(update(Account).where(Account.login == "nurse1").values(is_active=False))
        seed_correspondents(work.session, lambda: pytest.fail("everybody has a password"))
    assert accounts(room) - others == {
        ("staff", "staff", "doctor1", True),
        ("staff", "staff", "doctor2", True),
        ("staff", "staff", "nurse1", False),
        ("staff", "staff", "nurse2", True),
        ("operator", "auditor", "auditor1", True),
    }
