"""File first: whole or absent, sealed, retried with growing pauses, parked when nothing helps, never lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dev.local.programs import ROOT
from tests.end_to_end.person import API, Visit
from tests.end_to_end.product import Product
from tests.waiting import wait_until

TABLE = "welno.welno_prescription_data"
KINDS = ["health_data", "patient_data", "prescription_data"]


@pytest.fixture(scope="module")
def staff(running_product: Product) -> dict[str, str]:
    return running_product.staff()


@contextmanager
def without_the_table(product: Product) -> Iterator[None]:
    product.execute(f"alter table {TABLE} rename to away")
    try:
        yield
    finally:
        product.execute("alter table welno.away rename to welno_prescription_data")


def files_of(product: Product, visit: Visit, folder: str) -> list[Path]:
    return sorted(product.spool.glob(f"{folder}/**/*{visit.session_id}*.json"))


def kind_of_file(path: Path) -> str:
    return path.stem.split("_", 2)[2]


def admin(product: Product, staff: dict[str, str], name: str = "") -> dict[str, Any]:
    answer = product.get(f"{API}/admin/files{name}", headers=staff)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def story(product: Product, staff: dict[str, str], path: Path) -> dict[str, Any]:
    told: dict[str, Any] = admin(product, staff, f"/{path.name}")["file"]
    return told


def post(product: Product, visit: Visit, staff: dict[str, str], path: str, **body: int) -> int:
    url = f"{API}/admin/files/{path}"
    return visit.person.browser().post(url, json=body or None, headers=staff).status_code


def failed_file(product: Product, visit: Visit) -> Path:
    visit.wait_for("collection_error")
    return wait_until(lambda: files_of(product, visit, "failed"))[0]


def test_a_finished_session_leaves_three_sealed_files_of_its_owner_alone(product: Product):
    visit = product.meet().is_known_with().collects()
    kept = files_of(product, visit, "completed")
    assert sorted(map(kind_of_file, kept)) == KINDS
    for path in kept:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert visit.person.user_name.encode() not in path.read_bytes()
        assert b"raw_data" not in path.read_bytes()
    assert list(product.spool.glob(f"[ifp]*/*{visit.session_id}*")) == []


def test_an_operator_can_read_a_file_that_holds_what_was_served(product: Product):
    visit = product.meet().is_known_with().collects()
    health = next(path for path in files_of(product, visit, "completed") if kind_of_file(path) == "health_data")
    command = [sys.executable, "-m", "tasks.show_file", health.name, "--by", "op-1", "--reason", "a test"]
    shown = subprocess.run(command, env=product.stack.env, cwd=ROOT, capture_output=True, check=True, timeout=30)
    document = json.loads(shown.stdout)
    assert document["raw_data"] == product.provider.served_to(visit.cx_id)["checkups"][0]
    assert document["metadata"]["session_id"] == visit.session_id
    assert document["metadata"]["patient_uuid"] == visit.patient_uuid
    assert len(document["checksum"]) == 64


def test_a_file_that_cannot_be_imported_is_kept_with_its_reason_and_heals(product: Product, staff: dict[str, str]):
    visit = product.meet().is_known_with().start().asks_for_push()
    with without_the_table(product):
        visit.approves()
        path = failed_file(product, visit)
        told = story(product, staff, path)
        assert (kind_of_file(path), told["parked"]) == ("prescription_data", False)
        assert told["last_error"]
        assert path.name in [file["name"] for file in admin(product, staff)["files"]]
        assert visit.status()["counts"] == {"health_data": 3, "prescription_data": 6}
    done = visit.wait_for("completed")
    assert [event["seq"] for event in visit.events()] == list(range(1, done["seq"] + 1))
    assert len(product.rows(f"select 1 from {TABLE} where patient_uuid = :u", u=visit.patient_uuid)) == 6
    assert files_of(product, visit, "failed") == []


def test_a_file_is_tried_again_with_growing_pauses_then_parked_until_an_operator_retries(
    product: Product, staff: dict[str, str]
):
    visit = product.meet().is_known_with().start().asks_for_push()
    with without_the_table(product):
        visit.approves()
        path = failed_file(product, visit)
        told = wait_until(lambda: parked(product, staff, path), 20, every=0.2)
    moments = [one["at"] for one in told["history"]]
    pauses = [after - before for before, after in zip(map(seconds, moments), map(seconds, moments[1:]), strict=False)]
    assert len(moments) == 4
    assert all(pause >= least for pause, least in zip(pauses, (1, 2, 3), strict=True))
    assert product.rows("select uuid from welno.welno_patients where phone = :p", p=visit.person.phone_no)
    assert post(product, visit, staff, f"{path.name}/retry") == 202
    wait_until(lambda: not files_of(product, visit, "failed") + files_of(product, visit, "pending"))
    wait_until(lambda: visit.collect().status_code)
    assert visit.wait_for("completed")


def parked(product: Product, staff: dict[str, str], path: Path) -> dict[str, Any] | None:
    answer = product.get(f"{API}/admin/files/{path.name}", headers=staff)
    told: dict[str, Any] = answer.json().get("file", {})
    return told if told.get("parked") else None


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_damaged_file_is_parked_at_once_and_only_an_operator_discards_it(
    product: Product, staff: dict[str, str], damage: str
):
    visit = product.meet().is_known_with().start().asks_for_push()
    with without_the_table(product):
        visit.approves()
        path = failed_file(product, visit)
        spoil(path, damage)
        told = wait_until(lambda: parked(product, staff, path), every=0.1)
    assert told["last_error"] == {"flipped": "damaged_sealed", "cut": "damaged_truncated"}[damage]
    counts = admin(product, staff)["counts"]
    assert (counts["failed"], counts["parked"]) == (1, 1)
    assert product.rows(f"select 1 from {TABLE} where session_id = :s", s=visit.session_id) == []
    assert post(product, visit, staff, f"{path.name}/discard") == 200
    assert not path.exists()


def spoil(path: Path, damage: str) -> None:
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole) if damage == "flipped" else bytes(whole[: len(whole) // 2]))


def test_a_file_that_is_not_parked_cannot_be_discarded(product: Product, staff: dict[str, str]):
    visit = product.meet().is_known_with().start().asks_for_push()
    with without_the_table(product):
        visit.approves()
        path = failed_file(product, visit)
        assert post(product, visit, staff, f"{path.name}/discard") == 409
    assert visit.wait_for("completed")


def test_a_folder_that_takes_no_file_is_told_after_the_last_try_and_heals(product: Product):
    """A plain file stands where the folder was: also root cannot write into that."""
    visit = product.meet().is_known_with().start().asks_for_push()
    pending, aside = product.spool / "pending", product.spool / "pending-aside"
    pending.rename(aside)
    pending.touch()
    try:
        visit.approves()
        told = visit.wait_for("collection_error")
    finally:
        pending.unlink()
        aside.rename(pending)
    assert (told["status"], told["data"]["code"]) == ("error", "STORAGE_FAILED")
    assert visit.wait_for("completed")["data"]["counts"] == {"health_data": 3, "prescription_data": 6}
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    assert list(product.spool.glob("*/.tmp-*")) == []


def test_files_younger_than_seven_days_are_never_cleaned_up(product: Product, staff: dict[str, str]):
    visit = product.meet().is_known_with().collects()
    assert post(product, visit, staff, "clean", older_than_days=6) == 400
    assert post(product, visit, staff, "clean", older_than_days=7) == 200
    kept = files_of(product, visit, "completed")
    assert len(kept) == 3
    old = product.spool / "completed" / "2024" / "01" / "02"
    old.mkdir(mode=0o700, parents=True)
    for path in kept:
        path.rename(old / path.name)
    assert post(product, visit, staff, "clean", older_than_days=7) == 200
    assert files_of(product, visit, "completed") == []


def test_the_repository_holds_nobodys_data(product: Product):
    product.meet().is_known_with().collects()
    assert Path(product.stack.env["TILKO_DATA_DIR"]).is_relative_to(product.stack.home)
    found = {path.name for path in (ROOT / "tilko_data").rglob("*") if path.is_file()}
    assert found <= {".gitkeep"}
    assert {path.name for path in (ROOT / "tilko_data").iterdir()} == {"incoming", "pending", "completed", "failed"}
