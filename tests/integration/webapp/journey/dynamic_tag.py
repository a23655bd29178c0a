"""A dynamic tag on the wall: hung by an admin, read by phones."""

from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from models.journey import NfcTag, TagLog
from tests.integration.webapp.people import API
from tests.sun_tags import SunTag
from webapp.current import parts

from .conftest import Desk

TAG_ID = "TAG-DYNAMIC"
DEVICE, OTHER_DEVICE = "device-0001", "device-0002"


class DynamicTag(SunTag):
    """Its chip, with how it is asked for."""

    code: str

    @classmethod
    def hung(cls, chief: Desk, **traits: Any) -> "DynamicTag":
        tag = cls(**traits)
        place = {"title": "새 정문", "floor": 1, "x": 1, "y": 2}
        body = {"tag_id": TAG_ID, "tag_uid": tag.uid, "sun_key": tag.key, **place}
        made = chief.ask("POST", "/admin/tags", json=body)
        assert made.status_code == 201, made.text
        tag.code = made.json["tag"]["tag_code"]
        return tag

    def body(self, **more: Any) -> dict[str, Any]:
        """What a phone sends that was held to it just now."""
        return {"tag_code": self.code, **self.read(), **more}


def scan(app: Flask, **body: Any) -> TestResponse:
    return app.test_client(use_cookies=False).post(f"{API}/nfc/scan/", json=body)


def logged(app: Flask) -> list[tuple[str, str | None, int | None]]:
    with parts(app).stores.sessions() as session:
        rows = session.execute(select(TagLog.action, TagLog.tag_id, TagLog.counter).order_by(TagLog.id))
        return [(row.action, row.tag_id, row.counter) for row in rows]


def stored(app: Flask) -> NfcTag:
    with parts(app).stores.sessions() as session:
        return session.get_one(NfcTag, TAG_ID)
