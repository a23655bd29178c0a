"""A new release takes the old one's place, process by process, over an expand and a contract migration."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dev.local.ports import pick_port
from dev.local.programs import Program, web_program, worker_program
from tests.end_to_end.crowd import Crowd, Webs
from tests.end_to_end.product import SHORT_WAITS, Product, hold
from tests.end_to_end.releases import CONTRACT, Release, add_contract, make_new, make_old
from tests.end_to_end.stopping import stop
from tests.stacks import run_stack

pytestmark = pytest.mark.timeout(300)
PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")
ROLLED = ("worker", "poller", "web", "sweeper", "beat")


@contextmanager
def run_release(migrated: Path, release: Release) -> Iterator[Product]:
    def from_release(programs: dict[str, Program]) -> dict[str, Program]:
        return {name: replace(program, code=release.code) for name, program in programs.items()}

    migrations = release.migrate_to("head")
    with (
        run_stack(migrated, SHORT_WAITS, PROCESSES, from_release, migrations=migrations) as stack,
        hold(stack) as product,
    ):
        yield product


def start_beside(product: Product, release: Release) -> dict[str, str]:
    """The new release's processes, each under a name of its own."""
    running = product.stack.programs
    added: tuple[Program, ...] = (
        web_program("web-new", pick_port()),
        worker_program("worker-new"),
        *(replace(running[name], name=f"{name}-new") for name in ("poller", "sweeper", "beat")),
    )
    for program in added:
        product.stack.add(replace(program, code=release.code))
        product.stack.start(program.name)
    product.stack.wait_ready()
    return {program.name: program.url or "" for program in added}


def test_a_new_release_replaces_the_old_one_unnoticed(tmp_path: Path, migrated_home: Path):
    old, new = make_old(tmp_path / "old"), make_new(tmp_path / "new")
    with run_release(migrated_home, old) as product:
        webs = Webs([product.web_url])
        with Crowd(product, webs) as crowd:
            crowd.wait_for_more()
            product.stack.run(new.migrate_to("head"), "expand")
            crowd.wait_for_more()
            assert product.get("/readyz").status_code == 200  # though older than its database
            webs.urls = [product.web_url, start_beside(product, new)["web-new"]]
            crowd.wait_for_more()
            for name in ROLLED:
                stop(product.stack, name)
                del product.stack.programs[name]
                crowd.wait_for_more(1)
            add_contract(new)
            product.stack.run(new.migrate_to("head"), "contract")
            crowd.wait_for_more()
        crowd.check()
        assert not list((product.spool / "failed").rglob("*.json"))
        assert versions(product) == {CONTRACT}
        assert notes(product) == {"by us", "not by us"}


def versions(product: Product) -> set[str]:
    return {row["version_num"] for row in product.rows("select version_num from public.alembic_version")}


def notes(product: Product) -> set[str]:
    """Whose sessions there are: of the new release, and of the old one since the column was there."""
    return {row["note_new"] for row in product.rows("select note_new from welno.welno_collection_history")}
