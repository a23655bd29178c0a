"""The key under which a browser keeps records."""

import base64

from flask import Flask
from sqlalchemy import text

from webapp.current import stores

from .people import Person, arrive, collect

PASSWORD = {"password": "804251"}


def ask_key(person: Person, patient_uuid: object, **more: object) -> object:
    answer = person.ask("GET", f"/patients/{patient_uuid}/browser-key", **more)
    return answer.json["key"] if answer.status_code == 200 else answer.status_code


def test_a_session_gets_one_key_of_256_bits_again_and_again(owner: Person):
    key = ask_key(owner, owner.patient_uuid)
    assert len(base64.b64decode(str(key))) == 32
    assert ask_key(owner, owner.patient_uuid) == key


def test_no_cache_keeps_the_key(owner: Person):
    answer = owner.ask("GET", f"/patients/{owner.patient_uuid}/browser-key")
    assert answer.headers["Cache-Control"] == "no-store"


def test_another_session_of_the_same_person_gets_another_key(app: Flask, owner: Person):
    again = arrive(app)
    collect(app, again, [], [])
    assert again.patient_uuid == owner.patient_uuid
    assert ask_key(again, again.patient_uuid) != ask_key(owner, owner.patient_uuid)


def test_each_way_in_by_the_password_gets_a_key_of_its_own(app: Flask, owner: Person):
    path = f"/patients/{owner.patient_uuid}/password"
    assert owner.ask("POST", f"{path}/set", json=PASSWORD).status_code == 201
    keys = {ask_key(owner, owner.patient_uuid)}
    for _ in range(2):
        token = owner.ask("POST", f"{path}/verify", json=PASSWORD).json["access_token"]
        elsewhere = Person(app.test_client(use_cookies=False), token=token)
        assert ask_key(elsewhere, owner.patient_uuid) == ask_key(elsewhere, owner.patient_uuid)
        keys.add(ask_key(elsewhere, owner.patient_uuid))
    assert len(keys) == 3


def test_colleagues_and_strangers_get_no_key(owner: Person, colleague: Person, starter: Person, visitor: Person):
    assert {ask_key(one, owner.patient_uuid) for one in (colleague, visitor)} == {404}


def test_a_session_that_has_ended_gets_no_key_any_more(owner: Person):
    assert owner.session("DELETE").status_code == 204
    assert ask_key(owner, owner.patient_uuid) == 404


def test_nothing_that_is_stored_of_a_session_is_what_its_key_is_made_of(app: Flask, owner: Person):
    key = ask_key(owner, owner.patient_uuid)
    tables = "select schemaname || '.' || tablename from pg_tables where schemaname like 'welno%'"
    with app.app_context(), stores().sessions() as session:
        names = session.execute(text(tables)).scalars().all()
        rows = [str(session.execute(text(f"select * from {name}")).all()) for name in names]
    secret = owner.token.partition(".")[2]
    assert len(names) > 20
    assert not [row for row in rows if secret in row or str(key) in row]
