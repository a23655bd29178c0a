"""Exports: an archive of all that is stored of a person, theirs alone, fetched once."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from core.clock import clock
from models.patients import AccessedWhat, ActorKind, CampaignPayment, Export
from services.patients.access_log import Actor, Look
from services.patients.exports import forget_export, list_over, resend_exports
from services.personal_data import build_erasure_job
from services.personal_exports import build_export
from spool import Disk, Spool, StorageFault
from webapp.current import parts

from .canary import bring_canary
from .people import API, Person, arrive, collect

JOURNEY_FILES = [
    f"journey_{name}.json"
    for name in ("people", "visits", "appointments", "entries", "steps", "notifications", "web_push", "scans", "logins")
]


class Asked:
    """An export that somebody has asked for."""

    def __init__(self, app: Flask, person: Person) -> None:
        self.app, self.person = app, person
        self.stores, self.spool = parts(app).stores, parts(app).spool
        answer = person.ask("POST", f"/patients/{person.patient_uuid}/export")
        assert answer.status_code == 202, answer.text
        self.id = UUID(answer.json["export_id"])

    def is_built(self) -> bool:
        return build_export(self.stores, self.spool, self.id)

    def state(self) -> dict[str, Any]:
        answer = self.person.ask("GET", f"/patients/{self.person.patient_uuid}/exports/{self.id}")
        assert answer.status_code == 200
        return answer.json

    def fetch(self, url: str) -> TestResponse:
        return self.app.test_client(use_cookies=False).get(url)

    @property
    def files(self) -> list[str]:
        return [path.name for path in self.spool.storage.root.glob("exports/**/*") if path.is_file()]


@pytest.fixture
def asked(app: Flask, owner: Person) -> Asked:
    with parts(app).stores.unit_of_work() as work:
        work.session.add(CampaignPayment(oid="ORDER-9", patient_uuid=owner.patient_uuid, user_name="김하늘"))
    return Asked(app, owner)


def test_the_archive_holds_all_that_is_stored(asked: Asked):
    assert asked.state() == {"success": True, "state": "building"}
    assert asked.is_built()
    answer = asked.fetch(asked.state()["url"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
        data = {name: orjson.loads(archive.read(name)) for name in names}
    assert {name: len(rows) for name, rows in data.items()} == {
        "thread_record_sendings.json": 0,
        "patient.json": 1,
        "checkups.json": 2,
        "prescriptions.json": 1,
        "reports.json": 0,
        "terms.json": 1,
        "consents.json": 5,
        "record_versions.json": 0,
        "record_answers.json": 2,
        "access_log.json": 0,
        "sessions.json": 1,
        "exports.json": 1,
        "collections.json": 1,
        "orders.json": 1,
        **dict.fromkeys(JOURNEY_FILES, 0),
        "thread_memberships.json": 0,
        "thread_blobs.json": 0,
        "thread_devices.json": 0,
        "health_links.json": 0,
        "health_link_fetches.json": 0,
    }
    assert data["patient.json"][0]["name"] == "김하늘"
    assert data["checkups.json"][0]["raw_data"]["Location"] == "한빛검진의원"
    assert data["orders.json"][0]["oid"] == "ORDER-9"


def test_the_archive_holds_all_that_the_erasers_find(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """Of somebody who stands in every table: also orders that name no patient yet, and every page of the looks."""
    monkeypatch.setattr("services.patients.exporters._LOOKS_PAGE", 1)
    canary = bring_canary(app)
    with canary.stores.unit_of_work() as work:
        canary.stores.access_log.record(
            work.session, Look(Actor(ActorKind.STAFF, "op-1", "192.0.2.1"), AccessedWhat.FILE, canary.uuid), clock.now()
        )
    asked = Asked(app, canary.person)
    asked.is_built()
    with zipfile.ZipFile(io.BytesIO(asked.fetch(asked.state()["url"]).data)) as archive:
        data = {name: orjson.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}
    assert {row["oid"] for row in data["orders.json"]} == {"ORDER-7", "ORDER-8"}
    [user] = data["journey_people.json"]
    assert (user["name"], user["phone"], user["birth_date"]) == (canary.identity.user_name, "01031415926", "1963-11-19")
    assert [len(data[f"journey_{name}.json"]) for name in ("logins", "visits", "appointments")] == [1, 1, 1]
    assert {row["action"] for row in data["journey_scans.json"]} == {"scan"}
    looks = data["access_log.json"]
    assert [row["address"] for row in looks if row["actor_kind"] == "staff"] == [None]
    assert "203.0.113.77" in {row["address"] for row in looks if row["actor_kind"] != "staff"}
    assert len(looks) >= 2
    assert data["sessions.json"][0]["address"] == "127.0.0.*"


def test_the_archive_holds_the_trends_to_be_printed(asked: Asked):
    asked.is_built()
    with zipfile.ZipFile(io.BytesIO(asked.fetch(asked.state()["url"]).data)) as archive:
        document = PdfReader(io.BytesIO(archive.read("trends.pdf")))
    text = "\n".join(page.extract_text() for page in document.pages)
    assert "체중 (kg)" in text
    assert "한빛검진의원" in text


def test_the_archive_holds_no_secret_and_nobody_else(asked: Asked, colleague: Person):
    asked.is_built()
    with zipfile.ZipFile(io.BytesIO(asked.fetch(asked.state()["url"]).data)) as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
        pages = PdfReader(io.BytesIO(archive.read("trends.pdf"))).pages
    whole = b"".join(texts).decode() + "".join(page.extract_text() for page in pages)
    assert colleague.form["user_name"] not in whole
    for secret in ("token_hash", "password_hash", "identity", 'auth"', asked.person.token.partition(".")[2]):
        assert secret not in whole


def test_a_preview_does_not_use_it_up(asked: Asked):
    asked.is_built()
    url = asked.state()["url"]
    assert asked.app.test_client(use_cookies=False).head(url).status_code == 405
    assert asked.fetch(url).status_code == 200


def test_it_is_fetched_once_then_gone(asked: Asked):
    asked.is_built()
    url = asked.state()["url"]
    assert asked.fetch(url).status_code == 200
    assert asked.files == []
    assert asked.fetch(url).status_code == 404
    assert asked.state() == {"success": True, "state": "fetched"}


def test_a_link_holds_ten_minutes_and_a_new_one_can_be_had(asked: Asked):
    asked.is_built()
    url = asked.state()["url"]
    with clock.frozen(clock.now() + timedelta(minutes=10, seconds=1)):
        assert asked.fetch(url).status_code == 404
    assert asked.fetch(asked.state()["url"]).status_code == 200


def test_only_the_newest_link_opens(asked: Asked):
    asked.is_built()
    older, newer = (asked.state()["url"] for _ in range(2))
    assert [asked.fetch(older).status_code, asked.fetch(newer).status_code] == [404, 200]


@pytest.mark.parametrize("how", ["signed out", "all others ended", "a password set", "ended from the list"])
def test_a_link_ends_with_the_session_that_was_given_it(app: Flask, asked: Asked, how: str):
    """It lies in the history of a shared browser, or in a stranger's hands."""
    again = arrive(app)
    collect(app, again, [], [])
    asked.is_built()
    url, path = asked.state()["url"], f"/patients/{again.patient_uuid}"
    if how == "signed out":
        ended = asked.person.ask("POST", "/patients/sign-out")
    elif how == "all others ended":
        ended = again.ask("DELETE", f"{path}/sessions")
    elif how == "a password set":
        ended = again.ask("POST", f"{path}/password/set", json={"password": "592704"})
    else:
        other = next(one["id"] for one in again.ask("GET", f"{path}/sessions").json["items"] if not one["current"])
        ended = again.ask("DELETE", f"{path}/sessions/{other}")
    assert ended.status_code < 300
    assert asked.fetch(url).status_code == 404
    new = again.ask("GET", f"{path}/exports/{asked.id}").json["url"]
    assert asked.fetch(new).status_code == 200


def test_a_link_by_password_ends_with_the_sign_out(app: Flask, asked: Asked):
    path = f"/patients/{asked.person.patient_uuid}"
    assert asked.person.ask("POST", f"{path}/password/set", json={"password": "592704"}).status_code == 201
    token = asked.person.ask("POST", f"{path}/password/verify", json={"password": "592704"}).json["access_token"]
    visitor = Person(app.test_client(use_cookies=False), "", token, asked.person.patient_uuid)
    asked.is_built()
    url = visitor.ask("GET", f"{path}/exports/{asked.id}").json["url"]
    assert visitor.ask("POST", "/patients/sign-out").status_code == 204
    assert asked.fetch(url).status_code == 404


def test_the_archive_lies_sealed(asked: Asked):
    asked.is_built()
    [path] = asked.spool.storage.root.glob("exports/*/*")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert b"PK" not in path.read_bytes()[:64]
    assert "김하늘".encode() not in path.read_bytes()


def test_the_fetch_is_a_look_that_the_person_sees(asked: Asked):
    asked.is_built()
    asked.fetch(asked.state()["url"])
    [item] = asked.person.ask("GET", f"/patients/{asked.person.patient_uuid}/access-log").json["items"]
    assert (item["who"], item["action"]) == ("본인 (내려받기 링크)", "export")


def test_others_get_neither_state_nor_link(asked: Asked, colleague: Person, visitor: Person):
    asked.is_built()
    for person in (colleague, visitor):
        assert person.ask("GET", f"/patients/{asked.person.patient_uuid}/exports/{asked.id}").status_code == 404
    assert colleague.ask("GET", f"/patients/{colleague.patient_uuid}/exports/{asked.id}").status_code == 404
    assert asked.fetch(f"{API}/exports/{asked.id}/archive?key={'A' * 43}").status_code == 404
    assert asked.fetch(f"{API}/exports/{uuid4()}/archive?key={'A' * 43}").status_code == 404


def test_three_at_once_are_enough(app: Flask, asked: Asked):
    for _ in range(2):
        Asked(app, asked.person)
    answer = asked.person.ask("POST", f"/patients/{asked.person.patient_uuid}/export")
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "RATE_LIMITED")


def test_an_archive_is_built_once(asked: Asked):
    assert (asked.is_built(), asked.is_built()) == (True, False)
    assert len(asked.files) == 1


def test_what_the_disk_refuses_is_tried_again(asked: Asked):
    in_the_way = asked.spool.storage.root / "exports"
    in_the_way.touch()
    with pytest.raises(StorageFault):
        asked.is_built()
    in_the_way.unlink()
    with asked.stores.unit_of_work() as work:
        assert resend_exports(work, clock.now() + timedelta(minutes=3)) == 1
        assert [(call.name, call.about) for call in work.calls] == [("welno.patients.build_export", str(asked.id))]
    assert asked.is_built()


@pytest.mark.parametrize("befalls", [Path.unlink, lambda path: path.write_bytes(b"spoilt")], ids=["lost", "spoilt"])
def test_what_its_store_has_lost_is_built_anew(asked: Asked, befalls: Callable[[Path], object]):
    asked.is_built()
    url = asked.state()["url"]
    [path] = [path for path in asked.spool.storage.root.glob("exports/**/*") if path.is_file()]
    befalls(path)
    assert asked.fetch(url).status_code == 404
    assert asked.state() == {"success": True, "state": "building"}
    with asked.stores.unit_of_work() as work:
        assert resend_exports(work, clock.now()) == 1
    assert asked.is_built()
    assert asked.fetch(url).status_code == 404
    assert asked.fetch(asked.state()["url"]).status_code == 200


def test_what_is_over_is_removed_fetched_or_not(asked: Asked):
    asked.is_built()
    tomorrow = clock.now() + timedelta(hours=24, seconds=1)
    with asked.stores.unit_of_work() as work:
        assert list_over(work.session, clock.now()) == []
        assert list_over(work.session, tomorrow) == [(asked.person.patient_uuid, asked.id)]
        forget_export(work.session, asked.id)
    asked.spool.archives.drop(asked.person.patient_uuid, asked.id)
    assert asked.files == []
    with asked.stores.sessions() as session:
        assert session.get(Export, asked.id) is None


def test_erasure_takes_archives_with_it_also_late_ones(app: Flask, asked: Asked):
    asked.is_built()
    uuid = asked.person.patient_uuid
    erasure_id = UUID(asked.person.ask("DELETE", f"/patients/{uuid}").json["erasure_id"])
    build_erasure_job(asked.stores, asked.spool).run(erasure_id)
    assert asked.files == []
    assert not (asked.spool.storage.root / "exports" / str(uuid)).exists()
    assert not asked.is_built()
    assert asked.files == []


class DiskOfAnErasedPerson(Disk):
    """Their rows go in the moment when the archive has its name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        with self._engine.begin() as connection:
            connection.execute(text("delete from welno.welno_exports"))


def test_an_archive_whose_person_is_erased_while_it_is_built_does_not_stay(asked: Asked, engine: Engine):
    root, stores = asked.spool.storage.root, asked.stores
    assert not build_export(stores, Spool(root, stores.sealer, clock, DiskOfAnErasedPerson(engine)), asked.id)
    assert asked.files == []
