"""A sealing key is rotated under running collections, with old and new processes side by side: nothing is lost, nothing
is paid for twice, and nobody notices."""

import base64
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dev.local.errors import StartFailedError
from dev.local.ports import pick_port
from dev.local.programs import Program, web_program, worker_program
from dev.local.stack import Stack
from tests.end_to_end.crowd import Crowd, Webs
from tests.end_to_end.person import Person
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import TREATMENTS
from tests.stacks import with_settings
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(600)
PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")
# Beat seals and opens nothing.
ROLLED = ("web", "worker", "poller", "sweeper")


def make_key(name: str) -> str:
    return f"{name}:hkdf:" + base64.b64encode(secrets.token_bytes(32)).decode()


def given(keys: str, program: Program) -> Program:
    return with_settings(program, WELNO_SEALING_KEYS=keys)


def retire(stack: Stack, *names: str) -> None:
    """In good order; how long that may take is for the tests of stopping."""
    for name in names:
        stack.kill(name, signal.SIGTERM)
    for name in names:
        wait_gone(stack, name)
        del stack.programs[name]


def wait_gone(stack: Stack, name: str) -> None:
    with suppress(AssertionError):
        wait_until(lambda: not stack.is_running(name), 60)
    if stack.is_running(name):
        stack.kill(name, signal.SIGABRT)  # it writes into its log what each thread is doing
        wait_until(lambda: not stack.is_running(name))
    assert stack.exit_code(name) == 0, f"{name}:\n{stack.log_tail(name, lines=200)}"


class Rotation:
    """Replaces the processes by such that were given other keys: both live side by side for a while."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.webs = Webs([product.web_url])
        self.keys = product.stack.env["WELNO_SEALING_KEYS"]
        self._running = {name: name for name in ROLLED}
        self._phases = 0

    def meet(self) -> Person:
        """By the web process of the moment, from a page at the product's own address."""
        person = self.product.meet().is_known_with()
        person.origin, person.web_url = person.web_url, self.webs.urls[0]
        return person

    def deploy(self, keys: str, crowd: Crowd, *, call_seconds: float = 0, end_call: Callable[[], object] = int) -> None:
        """The worker of before has a call under way, which `end_call` ends so long after it was told to stop."""
        stack = self.product.stack
        self._phases += 1
        started = {name: self._program(name, keys) for name in ROLLED}
        for program in started.values():
            stack.add(program)
            stack.start(program.name)
        stack.wait_ready()
        self.webs.urls = [*self.webs.urls, started["web"].url or ""]
        crowd.wait_for_more()
        if call_seconds:
            worker = self._running["worker"]
            stack.kill(worker, signal.SIGTERM)
            threading.Event().wait(call_seconds)  # what takes place is a call that lasts
            assert stack.is_running(worker)
            end_call()
        retire(stack, *self._running.values())
        self._running = {name: program.name for name, program in started.items()}
        self.webs.urls = [started["web"].url or ""]
        self.keys = keys
        crowd.wait_for_more()

    def _program(self, name: str, keys: str) -> Program:
        made = f"{name}-{self._phases}"
        if name == "web":
            return given(keys, web_program(made, pick_port()))
        if name == "worker":
            return given(keys, worker_program(made))
        before = self.product.stack.programs[self._running[name]]
        command = before.command[before.command.index(sys.executable) :]
        return given(keys, replace(before, name=made, command=command))


@pytest.fixture(scope="module")
def rotation(migrated_home: Path) -> Iterator[Rotation]:
    """Each test begins with the keys that the one before has left."""
    with run_product(migrated_home, PROCESSES, PYTHONFAULTHANDLER="1") as product:
        yield Rotation(product)


@pytest.fixture
def crowd(rotation: Rotation) -> Iterator[Crowd]:
    """People come all the time; at the end each was served, and each answer was paid for once."""
    with Crowd(rotation.product, rotation.webs, every_seconds=1) as crowd:
        crowd.wait_for_more()
        yield crowd
    crowd.check()
    assert not list((rotation.product.spool / "failed").rglob("*.json"))


def command(product: Product, action: str, keys: str) -> str:
    """What `python -m tasks.keys` says. Raises StartFailedError when its exit status is not 0."""
    log = product.logs / "keys.log"
    log.unlink(missing_ok=True)
    product.stack.run(given(keys, Program("keys", (sys.executable, "-m", "tasks.keys", action))).command, "keys")
    return log.read_text()


def assert_missing_key_is_told(product: Product) -> None:
    """By a sweeper at its start."""
    other = make_key("other")
    stack, sweeper = product.stack, Program("sweeper-other", (sys.executable, "-m", "tasks.processes.sweeper"))
    stack.add(given(other, sweeper))
    stack.start(sweeper.name)
    log = product.logs / f"{sweeper.name}.log"
    wait_until(lambda: log.exists() and "sealing_keys_missing" in log.read_text(), 30)
    retire(stack, sweeper.name)


def test_a_key_is_rotated_in_two_phases_and_removed(rotation: Rotation, crowd: Crowd):
    product, old, new = rotation.product, rotation.keys, make_key("new")
    waiting = rotation.meet().start().asks_for_push()
    waiting.wait_for("auth_waiting")
    rotation.deploy(f"{old},{new}", crowd)
    rotation.deploy(f"{new},{old}", crowd)
    with pytest.raises(StartFailedError, match="NOT KNOWN"):
        command(product, "count", new)
    assert_missing_key_is_told(product)
    assert "do not open" in command(product, "reseal", f"{new},{old}")
    assert "NOT KNOWN" not in command(product, "count", new)
    rotation.deploy(new, crowd)
    waiting.browser.base_url = rotation.webs.urls[0]
    waiting.approves().wait_for("completed")
    assert product.provider.bill_of(waiting.cx_id) == {"checkups": 1, "prescriptions": 1}


def test_a_key_that_is_put_in_front_at_once_costs_time_and_nothing_else(rotation: Rotation, crowd: Crowd):
    rotation.deploy(f"{make_key('newer')},{rotation.keys}", crowd)


@pytest.mark.repeated
def test_an_answer_on_its_way_comes_through_a_rolling_rotation(rotation: Rotation, crowd: Crowd, is_full: bool):
    """For longer than a process has that waits for nothing; `make fuzz`: for nearly as long as such a call may take."""
    product, old, new = rotation.product, rotation.keys, make_key("newest")
    rotation.deploy(f"{old},{new}", crowd)
    visit = rotation.meet().start().asks_for_push()
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    with product.provider.fault(TREATMENTS, cxid=visit.cx_id, calls=1, hold="after") as fault:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(fault), 40)
        rotation.deploy(
            f"{new},{old}",
            crowd,
            call_seconds=290 if is_full else 12,
            end_call=lambda: product.provider.release(fault),
        )
    visit.browser.base_url = rotation.webs.urls[0]
    visit.wait_for("completed", timeout=40)
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
