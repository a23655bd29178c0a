"""A new release takes the old one's place, process by process, over an expand and a contract migration."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from dev.local.ports import pick_port
from dev.local.programs import Ports, Program, list_programs, web_program, worker_program
from dev.local.stack import Stack
from tests.end_to_end.crowd import Crowd, Webs
from tests.end_to_end.product import SHORT_WAITS, Product, _hold
from tests.end_to_end.releases import CONTRACT, Release, add_contract, make_new, make_old
from tests.end_to_end.stopping import stop

pytestmark = pytest.mark.timeout(300)
PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")
ROLLED = ("worker", "poller", "web", "sweeper", "beat")


@contextmanager
def run_release(release: Release) -> Iterator[Product]:
    with TemporaryDirectory(prefix="welno-test-") as folder:
        home, ports = Path(folder), Ports.picked()
        programs = {name: replace(one, code=release.code) for name, one in list_programs(home, ports).items()}
        migrations = release.migrate_to("head")
        stack = Stack(home, ports, SHORT_WAITS, PROCESSES, programs=programs, migrations=migrations, fast=True)
        with stack:
            yield from _hold(stack)


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


def test_a_new_release_replaces_the_old_one_unnoticed(tmp_path: Path):
    old, new = make_old(tmp_path / "old"), make_new(tmp_path / "new")
    with run_release(old) as product:
        webs = Webs([product.web_url])
        with Crowd(product, webs) as crowd:
            crowd.wait_for_more()
            product.stack.run(new.migrate_to("head"), "expand")
            crowd.wait_for_more()
            assert httpx.get(f"{product.web_url}/readyz").status_code == 200  # though older than its database
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
        assert versions(product) == {CONTRACT}
        assert notes(product) == {"by us", "not by us"}
        product.close_browsers()


def versions(product: Product) -> set[str]:
    return {row["version_num"] for row in product.rows("select version_num from public.alembic_version")}


def notes(product: Product) -> set[str]:
    """Whose sessions there are: of the new release, and of the old one since the column was there."""
    return {row["note_new"] for row in product.rows("select note_new from welno.welno_collection_history")}
