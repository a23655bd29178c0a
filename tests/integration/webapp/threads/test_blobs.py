"""Larger things over HTTP: parts, what makes them whole, ranges, and who may."""

import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from services.threads.encoding import hash_bytes
from webapp.current import parts

from .members import Member, Talk, begin_talk

PART, BLOCK = 1024 * 1024, 4096
CONTENT = os.urandom(2 * PART + 5000)


@dataclass
class Upload:
    """Of one content, by one member."""

    member: Member
    thread: str
    content: bytes = CONTENT
    blob_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def path(self) -> str:
        return f"/{self.thread}/blobs/{self.blob_id}"

    @property
    def pieces(self) -> list[bytes]:
        return [self.content[at : at + PART] for at in range(0, len(self.content), PART)]

    def put(self, number: int, data: bytes | None = None) -> TestResponse:
        content = self.pieces[number - 1] if data is None else data
        return self.member.ask("PUT", f"{self.path}/parts/{number}", data=content)

    def complete(self, count: int | None = None, sealed_hash: str | None = None) -> TestResponse:
        told = {"parts": count or len(self.pieces), "sealedHash": sealed_hash or hash_bytes(self.content)}
        return self.member.post(f"{self.path}/complete", told)

    def run(self) -> "Upload":
        for number in range(1, len(self.pieces) + 1):
            assert self.put(number).status_code == 200
        answer = self.complete()
        assert answer.status_code == 200, answer.text
        return self

    def read(self, member: Member, **headers: str) -> TestResponse:
        return member.ask("GET", self.path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def files_of(app: Flask) -> list[Path]:
    root = parts(app).spool.storage.root / "blobs"
    return [path for path in root.rglob("*") if path.is_file()]


def audited(engine: Engine, thread: str, action: str) -> list[tuple[str, int | None, str]]:
    query = text(
        "select actor, count, result from welno.welno_thread_audit where thread_id = :id and action = :a order by n"
    )
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"id": thread, "a": action})]


@pytest.fixture
def upload(talk: Talk, patient: Member) -> Upload:
    return Upload(patient, talk.id)


def change_settings(app: Flask, **changes: Any) -> Iterator[None]:
    here = parts(app).stores
    before = here.threads._settings
    here.threads._settings = replace(before, **changes)
    yield
    here.threads._settings = before


def test_what_was_put_up_is_read_as_it_was(upload: Upload, nurse: Member, engine: Engine):
    upload.run()
    answer = upload.read(nurse)
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["ETag"] == f'"{hash_bytes(CONTENT)[7:]}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.content_length == len(CONTENT)
    assert audited(engine, upload.thread, "blob_put") == [(upload.member.member, 3, "ok")]
    assert audited(engine, upload.thread, "blob_get") == [(nurse.member, None, "ok")]


def test_nothing_is_told_before_it_is_whole(upload: Upload, nurse: Member):
    assert code_of(upload.read(nurse)) == (404, "BLOB_NOT_FOUND")
    upload.put(1)
    assert code_of(upload.read(nurse)) == (404, "BLOB_NOT_FOUND")
    assert code_of(upload.read(upload.member)) == (404, "BLOB_NOT_FOUND")


def test_a_part_may_be_sent_again_in_any_order_and_anew(upload: Upload, nurse: Member, app: Flask):
    for number, data in ((3, None), (1, b"something else"), (1, None), (1, None), (2, None)):
        assert upload.put(number, data).status_code == 200
    assert len(files_of(app)) == 3
    assert [upload.complete().status_code for _ in range(2)] == [200, 200]
    assert upload.put(2).status_code == 200
    assert upload.read(nurse).data == CONTENT


def test_a_part_that_was_cut_on_its_way_is_missing(upload: Upload, nurse: Member):
    """As a browser leaves it whose page is closed while it sends."""
    upload.put(1)
    announced = {"CONTENT_LENGTH": str(len(upload.pieces[1])), "wsgi.input_terminated": True}
    half = {"data": upload.pieces[1][:-1], "environ_overrides": announced}
    assert upload.member.ask("PUT", f"{upload.path}/parts/2", **half).status_code == 400
    upload.put(3)
    assert upload.complete().json["error"]["details"] == {"missing": [2]}
    assert upload.run().read(nurse).data == CONTENT


def test_parts_may_be_counted_from_zero(upload: Upload, nurse: Member):
    for number, piece in enumerate(upload.pieces):
        assert upload.put(number, piece).status_code == 200
    assert upload.complete().status_code == 200
    assert upload.read(nurse).data == CONTENT


def test_missing_parts_are_named(upload: Upload):
    assert code_of(upload.complete()) == (404, "BLOB_NOT_FOUND")
    upload.put(2)
    answer = upload.complete()
    assert code_of(answer) == (409, "BLOB_INCOMPLETE")
    assert answer.json["error"]["details"] == {"missing": [1, 3]}
    for number in (1, 3):
        upload.put(number)
    assert code_of(upload.complete(count=2)) == (409, "BLOB_CONFLICT")
    assert upload.complete().status_code == 200


def test_a_part_whose_file_is_lost_or_damaged_is_missing(upload: Upload, app: Flask):
    for number in (1, 2, 3):
        upload.put(number)
    [lost] = [path for path in files_of(app) if path.name.startswith("1-")]
    [damaged] = [path for path in files_of(app) if path.name.startswith("3-")]
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert upload.complete().json["error"]["details"] == {"missing": [1, 3]}
    upload.put(1)
    upload.put(3)
    assert upload.complete().status_code == 200


def test_another_hash_completes_nothing(upload: Upload, nurse: Member, engine: Engine):
    for number in (1, 2, 3):
        upload.put(number)
    assert code_of(upload.complete(sealed_hash=hash_bytes(b"other"))) == (400, "HASH_MISMATCH")
    assert code_of(upload.read(nurse)) == (404, "BLOB_NOT_FOUND")
    assert audited(engine, upload.thread, "blob_put")[-1][2] == "HASH_MISMATCH"


def test_what_is_complete_does_not_change(upload: Upload, nurse: Member):
    upload.run()
    assert code_of(upload.put(1, b"other")) == (409, "BLOB_CONFLICT")
    assert code_of(upload.put(4, b"more")) == (409, "BLOB_CONFLICT")
    assert code_of(upload.complete(sealed_hash=hash_bytes(b"other"))) == (409, "BLOB_CONFLICT")
    assert code_of(Upload(nurse, upload.thread, CONTENT, upload.blob_id).put(1)) == (409, "BLOB_CONFLICT")
    assert upload.read(nurse).data == CONTENT


RANGES = [
    ("bytes=0-9", 206, CONTENT[:10], f"bytes 0-9/{len(CONTENT)}"),
    (f"bytes={PART - 3}-{PART + 3}", 206, CONTENT[PART - 3 : PART + 4], f"bytes {PART - 3}-{PART + 3}/{len(CONTENT)}"),
    (f"bytes={2 * PART}-", 206, CONTENT[2 * PART :], f"bytes {2 * PART}-{len(CONTENT) - 1}/{len(CONTENT)}"),
    ("bytes=-4", 206, CONTENT[-4:], f"bytes {len(CONTENT) - 4}-{len(CONTENT) - 1}/{len(CONTENT)}"),
    ("bytes=5-999999999", 206, CONTENT[5:], f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"),
    ("Bytes=1-1", 206, CONTENT[1:2], f"bytes 1-1/{len(CONTENT)}"),
    ("bytes=-999999999", 206, CONTENT, f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"),
    ("bytes=0-1,5-6", 200, CONTENT, None),
    ("bytes=9-5", 200, CONTENT, None),
    ("bytes=-", 200, CONTENT, None),
    ("pages=1-2", 200, CONTENT, None),
]


def test_ranges_are_read_as_rfc_9110_says(upload: Upload, nurse: Member):
    upload.run()
    for asked, status, content, told in RANGES:
        answer = upload.read(nurse, Range=asked)
        found = (answer.status_code, answer.headers.get("Content-Range"), answer.content_length)
        assert found == (status, told, len(content)), asked
        assert answer.data == content, asked


@pytest.mark.parametrize(
    "asked", [f"bytes={len(CONTENT)}-", f"bytes={len(CONTENT) + 5}-{len(CONTENT) + 9}", "bytes=-0"]
)
def test_a_range_behind_the_end_is_not_satisfiable(upload: Upload, nurse: Member, asked: str):
    answer = upload.run().read(nurse, Range=asked)
    assert code_of(answer) == (416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_if_range_gives_the_range_of_the_same_state_alone(upload: Upload, nurse: Member):
    upload.run()
    etag = upload.read(nurse).headers["ETag"]
    assert upload.read(nurse, Range="bytes=0-9", If_Range=etag).status_code == 206
    for other in ('"other"', f"W/{etag}", "Thu, 26 Nov 2026 08:00:00 GMT"):
        answer = upload.read(nurse, Range=f"bytes={len(CONTENT)}-", If_Range=other)
        assert (answer.status_code, answer.data) == (200, CONTENT), other
    assert upload.read(nurse, If_None_Match=etag).status_code == 304
    head = nurse.ask("HEAD", upload.path, headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.content_length, head.data) == (200, len(CONTENT), b"")


def test_a_listed_page_of_another_site_may_ask_for_a_range_and_read_what_it_got(upload: Upload, app: Flask):
    [origin] = parts(app).stores.settings.web.allowed_origins
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    preflight = app.test_client().options(f"/api/threads{upload.path}/parts/1", headers=asked)
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert {"Range", "If-Range"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
    answer = upload.run().read(upload.member, Range="bytes=0-9", Origin=origin)
    assert {"Content-Range", "ETag"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


def test_strangers_and_readers(upload: Upload, talk: Talk, nurse: Member, doctor: Member):
    upload.run()
    stranger = Upload(doctor, talk.id)
    for answer in (stranger.put(1), stranger.complete(), upload.read(doctor)):
        assert code_of(answer) == (404, "THREAD_NOT_FOUND")
    assert (
        nurse.post(f"/{talk.id}/members/role", {"memberId": upload.member.member, "role": "reader"}).status_code == 200
    )
    late = Upload(upload.member, talk.id)
    assert code_of(late.put(1)) == (403, "FORBIDDEN")
    assert code_of(upload.complete()) == (403, "FORBIDDEN")
    assert upload.read(upload.member).status_code == 200


def test_a_blob_is_of_one_thread(upload: Upload, nurse: Member):
    upload.run()
    other = begin_talk(nurse)
    assert code_of(replace(upload, thread=other.id).read(nurse)) == (404, "BLOB_NOT_FOUND")
    mine = Upload(nurse, other.id, b"another's content", upload.blob_id).run()
    assert (mine.read(nurse).data, upload.read(nurse).data) == (b"another's content", CONTENT)


def test_whoever_reads_from_now_on_gets_no_blob_of_before(upload: Upload, talk: Talk, nurse: Member, doctor: Member):
    upload.run()
    doctor.register()
    told = talk.keyset("k2", [nurse.device, upload.member.device, doctor.device])
    body = {"memberId": doctor.member, "role": "writer", "history": "from_now", "keyset": told}
    assert nurse.post(f"/{talk.id}/members", body).status_code == 201
    assert code_of(upload.read(doctor)) == (404, "BLOB_NOT_FOUND")
    later = Upload(upload.member, talk.id, b"of afterwards").run()
    assert later.read(doctor).data == b"of afterwards"
    assert code_of(upload.read(doctor)) == (404, "BLOB_NOT_FOUND")
    assert upload.complete().status_code == 200  # its sender tells of it once more
    assert upload.read(doctor).data == CONTENT


def test_lengths_are_bounded(upload: Upload, app: Flask):
    assert code_of(upload.put(1, bytes(PART + 1))) == (413, "BODY_TOO_LARGE")
    assert code_of(upload.put(1, b"")) == (400, "VALIDATION_FAILED")
    assert code_of(upload.put(321, b"x")) == (400, "VALIDATION_FAILED")
    assert upload.member.ask("PUT", f"/{upload.thread}/blobs/no-uuid/parts/1", data=b"x").status_code == 404
    for _ in change_settings(app, blob_max_bytes=65_536):
        assert upload.put(1, bytes(65_536)).status_code == 200
        assert upload.put(2, bytes(16)).status_code == 200
        assert code_of(upload.put(3, b"x")) == (413, "BLOB_TOO_LARGE")


def test_a_member_fills_no_disk_also_not_at_once(upload: Upload, app: Flask, nurse: Member):
    uploads = [
        Upload(Member(app.test_client(use_cookies=False), upload.member.headers), upload.thread) for _ in range(6)
    ]
    for _ in change_settings(app, member_blobs_max_bytes=3 * (PART + BLOCK)):
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda one: one.put(1, os.urandom(PART)), uploads))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 3
        assert {code_of(one) for one in answers if one.status_code == 409} == {(409, "TOO_MANY_BLOBS")}
        assert len(files_of(app)) == 3
        assert Upload(nurse, upload.thread, b"nobody else's bound").run().read(nurse).status_code == 200


def test_an_octet_is_charged_as_the_disk_keeps_it(upload: Upload, app: Flask):
    """A block for its file, and one for the folder of its blob."""
    for _ in change_settings(app, member_blobs_max_bytes=5 * BLOCK):
        assert [upload.put(number, b"x").status_code for number in (1, 2, 2)] == [200] * 3
        assert Upload(upload.member, upload.thread).put(1, b"x").status_code == 200
        assert code_of(Upload(upload.member, upload.thread).put(1, b"x")) == (409, "TOO_MANY_BLOBS")
        assert code_of(upload.put(3, b"x")) == (409, "TOO_MANY_BLOBS")
        assert upload.put(2, bytes(BLOCK)).status_code == 200


def test_of_two_contents_sent_at_once_one_stays(upload: Upload, app: Flask):
    clients = [Member(app.test_client(use_cookies=False), upload.member.headers) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: replace(upload, member=one).put(1, os.urandom(5000)), clients))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(files_of(app)) == 1


def test_a_closed_thread_leaves_no_file(upload: Upload, talk: Talk, nurse: Member, app: Flask):
    upload.run()
    Upload(upload.member, talk.id).put(1)
    kept = Upload(nurse, begin_talk(nurse).id, b"of another thread").run()
    assert nurse.ask("DELETE", f"/{talk.id}").status_code == 204
    assert code_of(upload.read(nurse)) == (404, "THREAD_NOT_FOUND")
    assert len(files_of(app)) == 1
    assert kept.read(nurse).status_code == 200


def test_nothing_half_is_told_as_whole(upload: Upload, nurse: Member, app: Flask):
    upload.run()
    [second] = [path for path in files_of(app) if path.name.startswith("2-")]
    damaged = bytearray(second.read_bytes())
    damaged[-1] ^= 1
    second.write_bytes(damaged)
    assert upload.read(nurse, Range="bytes=0-9").status_code == 206
    assert upload.read(nurse, Range=f"bytes={PART}-").status_code == 500
