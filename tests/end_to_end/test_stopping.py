"""SIGTERM to every process while people keep coming: it goes within ten seconds, nobody is lost or paid for twice."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from dev.local.ports import pick_port
from dev.local.programs import Program, web_program, worker_program
from tests.end_to_end.crowd import Crowd, Webs
from tests.end_to_end.following import open_socket, read_sse, receive, wait_for_close
from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import LOGIN_CHECK, REPORT, TREATMENTS
from tests.end_to_end.stopping import IN_TIME_SECONDS, holder_of, outcomes_of, steps_of, stop
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
REPORT_PAGE = "/disease-report"
PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")


@pytest.fixture(scope="module")
def pairs(migrated_home: Path) -> Iterator[Product]:
    """Of everything that may run many times, two: one goes, one stays."""
    with run_product(migrated_home, PROCESSES, WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS="60") as product:
        stack = product.stack
        for second in (
            web_program("web-2", pick_port()),
            worker_program("worker-2"),
            Program("poller-2", stack.programs["poller"].command),
            Program("sweeper-2", stack.programs["sweeper"].command),
        ):
            stack.add(second)
            stack.start(second.name)
        stack.wait_ready()
        yield product


@pytest.fixture
def product(pairs: Product) -> Iterator[Product]:
    yield pairs
    pairs.close_browsers()
    for name in pairs.stack.programs:
        pairs.stack.start(name)
    pairs.stack.wait_ready()


@pytest.fixture
def crowd(product: Product) -> Iterator[Crowd]:
    webs = [product.stack.programs[name].url for name in ("web-2", "web")]
    with Crowd(product, Webs([url for url in webs if url])) as crowd:
        yield crowd
    crowd.check()


def arrives(product: Product) -> Visit:
    """Somebody who came for a report and has been asked for their approval."""
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE).asks_for_push()
    visit.wait_for("auth_waiting", timeout=40)
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    return visit


def is_served_once(product: Product, visit: Visit) -> None:
    visit.wait_for("completed", timeout=40)
    assert [event["seq"] for event in visit.events()] == [*range(1, len(visit.events()) + 1)]
    assert product.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    assert product.provider.reports_of(visit.session_id) == 1
    # Nobody had to find out that a process was gone: it said so itself.
    assert not {"taken_back", "failed"} & set(outcomes_of(product, visit))


@pytest.mark.parametrize("path", [TREATMENTS, REPORT])
def test_a_worker_that_is_replaced_lets_its_long_call_end(product: Product, crowd: Crowd, path: str):
    visit = arrives(product)
    whose = {"cxid": visit.cx_id} if path == TREATMENTS else {}  # reports know no such thing; only this visit wants one
    with product.provider.fault(path, calls=1, hold="after", **whose) as fault:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(fault), 40)
        name = holder_of(product, visit)
        product.stack.kill(name, signal.SIGTERM)
        crowd.wait_for_more(4)  # served by the other one
        assert product.stack.is_running(name)
    wait_until(lambda: not product.stack.is_running(name), IN_TIME_SECONDS)
    assert product.stack.exit_code(name) == 0
    is_served_once(product, visit)


@pytest.mark.parametrize("with_children", [False, True])
def test_a_worker_ends_its_step_and_begins_no_other(product: Product, crowd: Crowd, with_children: bool):
    visit = arrives(product)
    with product.provider.fault(TREATMENTS, cxid=visit.cx_id, calls=1, hold="after") as fault:
        visit.approves()
        wait_until(lambda: product.provider.held_calls(fault), 40)
        # Its answer is paid for and on its way: it comes a moment after the signal.
        name = holder_of(product, visit)
        stop(product.stack, name, lambda: product.provider.release(fault), with_children=with_children)
    is_served_once(product, visit)
    steps = steps_of(product, visit)
    [fence] = [fence for step, outcome, fence in steps if (step, outcome) == ("fetch_prescriptions", "done")]
    after = [(step, outcome) for step, outcome, other in steps if other == fence]
    assert after[-2:] == [("identify_patient", "done"), ("save_files", "handed_back")]


def test_a_poller_waits_for_an_answer_that_is_on_its_way(product: Product, crowd: Crowd):
    visit = arrives(product)
    with product.provider.fault(LOGIN_CHECK, cxid=visit.cx_id, calls=1, hold="before") as fault:
        wait_until(lambda: product.provider.held_calls(fault), 40)
        visit.approves()
        stop(product.stack, holder_of(product, visit), lambda: product.provider.release(fault))
        assert visit.status()["status"] not in {"auth_pending", "timeout"}
    is_served_once(product, visit)


def test_a_poller_hands_over_what_is_not_answered_soon(product: Product, crowd: Crowd):
    visit = arrives(product)
    with product.provider.fault(LOGIN_CHECK, cxid=visit.cx_id, calls=1, hold="before") as fault:
        wait_until(lambda: product.provider.held_calls(fault), 40)
        visit.approves()
        stop(product.stack, holder_of(product, visit))
        is_served_once(product, visit)


def test_what_the_sweeper_left_is_taken_up_by_the_next(product: Product, crowd: Crowd):
    visit = arrives(product)
    with product.provider.fault(TREATMENTS, cxid=visit.cx_id, calls=1, status=503):
        for name in ("sweeper", "sweeper-2"):
            stop(product.stack, name)
        visit.approves()
        wait_until(lambda: "retrying" in outcomes_of(product, visit), 40)
        product.stack.start("sweeper")
        is_served_once(product, visit)


def test_beat_goes_and_comes_back_without_a_trace(product: Product, crowd: Crowd):
    visit = arrives(product)
    stop(product.stack, "beat")
    visit.approves()
    is_served_once(product, visit)
    product.stack.start("beat")
    wait_until(lambda: product.get("/readyz").status_code == 200, 30)


def test_a_web_process_answers_what_it_was_asked_and_sends_its_readers_away(product: Product, crowd: Crowd):
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE)
    with ThreadPoolExecutor(2) as threads, open_socket(visit) as socket, product.engine.connect() as holder:
        reader = threads.submit(read_sse, visit)
        query = f"select 1 from welno.welno_collection_history where session_id = '{visit.session_id}' for update"
        holder.exec_driver_sql(query)
        asked = threads.submit(visit.ask_for_push)
        wait_until(lambda: product.rows("select 1 from pg_locks where not granted and locktype = 'transactionid'"), 20)
        stop(product.stack, "web", holder.rollback)
        assert asked.result().status_code == 202
        assert wait_for_close(socket) == 1001
        assert "retry_after_ms" in (socket.close_reason or "")
        with pytest.raises((AssertionError, httpx.TransportError)):
            reader.result()
    visit.person.web_url = str(product.stack.programs["web-2"].url)
    visit.browser.base_url = httpx.URL(visit.person.web_url)
    visit.wait_for("auth_waiting", timeout=40)
    visit.approves()
    with open_socket(visit) as socket:
        assert [event["seq"] for event in receive(socket, timeout=40)] == [*range(1, len(visit.events()) + 1)]
    is_served_once(product, visit)
