"""Opening a SMART Health Link and changing it take their locks in one order, so that neither is a deadlock's victim."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import Engine, delete, select, text
from sqlalchemy.orm import Session

from core.clock import clock
from models.shl import HealthLink
from services.shl.files import EncryptedFile
from services.shl.links import end_link, replace_files
from tests.waiting import wait_until

from .conftest import Doctor, Links

WAITING = text("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


def end(session: Session, link: HealthLink, _: Links) -> None:
    end_link(session, link.patient_uuid, link.id, clock.now())


def replace(session: Session, link: HealthLink, links: Links) -> None:
    file = links.file(b"new")
    replace_files(session, link.patient_uuid, link.id, [EncryptedFile(file["contentType"], file["jwe"])], clock.now())


def erase(session: Session, link: HealthLink, _: Links) -> None:
    session.execute(delete(HealthLink).where(HealthLink.id == link.id))


@pytest.mark.parametrize("change", [end, replace, erase])
def test_whoever_takes_a_location_waits_for_whoever_changes_the_link(
    app: Flask, links: Links, doctor: Doctor, engine: Engine, change: Callable[[Session, HealthLink, Links], None]
):
    location = doctor.manifest(links.make(), embeddedLengthMax=0).json["files"][0]["location"]
    with ThreadPoolExecutor(1) as pool:
        with Session(engine) as session:
            link = session.scalars(select(HealthLink).with_for_update()).one()
            taking = pool.submit(lambda: Doctor(app.test_client(use_cookies=False)).get(location).status_code)
            wait_until(lambda: is_somebody_waiting(engine), timeout=30)
            change(session, link, links)
            session.commit()
        assert taking.result(timeout=30) == 404


def is_somebody_waiting(engine: Engine) -> bool:
    with engine.connect() as connection:
        return connection.execute(WAITING).first() is not None
