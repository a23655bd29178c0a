"""Redis comes back with an older snapshot while analyses are under way: whoever reads the project's stream, over either
web process and however often they come back, hears each status once and in order.

It is the broker as well: what it had to hand out is older, too.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from dev.local.demo import DEMO_SETTINGS
from dev.local.ports import pick_port
from dev.local.programs import web_program
from tests.end_to_end.judges import HttpxJudge, Judge
from tests.end_to_end.product import Product, run_product
from tests.end_to_end.test_interviews import RUN, TEXT, Colleague, names_of, of_interview
from tests.redis_snapshots import put_back, take_snapshot
from tests.replication import Pair, replicated
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
PROCESSES = ("sandbox", "web", "interviews", "worker", "sweeper")
BEGUN = ["interview:added", "analyzing"]
AGAIN = ["interview:failed", "processing", "analyzing", "interview:completed"]
LOGGED = "select body::jsonb as body, seq from welno.welno_events where subject = :subject and seq > :seq order by seq"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture(scope="module")
def product(pair: Pair, migrated_home: Path) -> Iterator[Product]:
    """Two web processes; everything that Redis is for in one that the tests may set back."""
    urls = {"REDIS_URL": pair.url, "CELERY_BROKER_URL": pair.url}
    with run_product(migrated_home, PROCESSES, **urls, **DEMO_SETTINGS) as product:
        product.stack.add(web_program("web-2", pick_port()))
        product.stack.start("web-2")
        product.stack.wait_ready()
        yield product


@pytest.fixture
def mina(product: Product) -> Iterator[Colleague]:
    colleague = Colleague(product, "mina")
    yield colleague
    colleague.http.close()


class RestlessJudge(HttpxJudge):
    """Goes after each event, and comes back to the other web process with its place."""

    def __init__(self, urls: list[str], token: str) -> None:
        super().__init__(urls[0], token)
        self._urls = urls

    def _read(self, client: httpx.Client) -> None:
        headers = self._headers | ({"Last-Event-ID": self._place} if self._place else {})
        url = self._urls[self._opened % len(self._urls)]
        with connect_sse(client, "GET", url, headers=headers) as source:
            source.response.raise_for_status()
            self._opened += 1
            for event in source.iter_sse():
                self._place = event.id or self._place
                if event.data and '"ping"' not in event.data:
                    self._messages.append({"id": event.id, "body": event.json()})
                    return


def kill_and_restart(pair: Pair, _snapshot: dict[bytes, Any]) -> None:
    """With what was on its disk."""
    pair.restart_first(keep_data=True)


def replace_the_data(pair: Pair, snapshot: dict[bytes, Any]) -> None:
    """No connection is cut: nobody but the data tells that it is older."""
    put_back(pair.primary.admin, snapshot)


@pytest.mark.parametrize("set_back", [kill_and_restart, replace_the_data], ids=lambda one: one.__name__)
def test_each_status_comes_once_though_redis_is_set_back_while_miso_works(
    product: Product, pair: Pair, mina: Colleague, set_back: Callable[[Pair, dict[bytes, Any]], None]
):
    path = f"/api/sse/projects/{mina.project}"
    urls = [f"{url}{path}" for url in (product.web_url, product.stack.programs["web-2"].url or "")]
    with ExitStack() as opened:
        followers = [HttpxJudge(urls[0], mina.token), HttpxJudge(urls[1], mina.token), RestlessJudge(urls, mina.token)]
        for one in followers:
            opened.enter_context(one)
        wait_until(lambda: all(one.opened for one in followers), 20)
        place: str = mina.http.get(f"/api/projects/{mina.project}/interviews").json()["last_event_id"]
        pair.primary.admin.save()
        snapshot = take_snapshot(pair.primary.admin)
        uploaded = analyse_over(product, mina, lambda: set_back(pair, snapshot), followers)
        set_back(pair, snapshot)
        late = opened.enter_context(HttpxJudge(f"{urls[1]}?after_seq={place}", mina.token))
        uploaded[mina.upload(TEXT)] = [*BEGUN, "interview:completed"]
        wait_until(lambda: all(mina.interview(one)["workflow_status"] == "completed" for one in uploaded), 60)
        logged = product.rows(LOGGED, subject=f"project:{mina.project}", seq=int(place.partition(":")[2]))
        seqs = [row["seq"] for row in logged]
        wait_until(lambda: all(seqs[-1] in judge.seqs for judge in (*followers, late)), 40)
    for judge in (*followers, late):
        assert (type(judge).__name__, judge.seqs, judge.resyncs) == (type(judge).__name__, seqs, 0)
        assert [one["body"]["data"] for one in judge.events] == [row["body"]["data"] for row in logged]
        for interview_id, told in uploaded.items():
            assert names_of(list(of_interview((one["body"] for one in judge.events), interview_id))) == told


def analyse_over(
    product: Product, mina: Colleague, meanwhile: Callable[[], None], followers: list[Judge]
) -> dict[str, list[str]]:
    """Two analyses, one of which fails and is tried again, with the act while MISO works on both. What is told of each
    by the end."""
    with product.provider.fault(RUN, match="하나", hold="before", calls=1) as first:
        with product.provider.fault(RUN, match="둘", hold="before", calls=1, workflow_status="failed") as second:
            done, failed = mina.upload(f"{TEXT}답변자: 하나\n"), mina.upload(f"{TEXT}답변자: 둘\n")
            wait_until(lambda: product.provider.held_calls(first) == product.provider.held_calls(second) == 1, 20)
            wait_until(lambda: all(has_heard(one, failed, BEGUN) for one in followers), 20)
            meanwhile()
            product.provider.release(second)
            wait_until(lambda: mina.interview(failed)["workflow_status"] == "failed", 60, every=0.2)
        answer = mina.http.post("/api/workflow/retry", json={"interviewId": failed})
        assert answer.status_code == 200, answer.text
        wait_until(lambda: mina.interview(failed)["workflow_status"] == "completed", 60, every=0.2)
        product.provider.release(first)
        wait_until(lambda: mina.interview(done)["workflow_status"] == "completed", 60, every=0.2)
    told = {done: [*BEGUN, "interview:completed"], failed: [*BEGUN, *AGAIN]}
    wait_until(lambda: all(has_heard(one, name, told[name]) for one in followers for name in told), 40)
    return told


def has_heard(judge: Judge, interview_id: str, names: list[str]) -> bool:
    """So much at least."""
    return len(list(of_interview((one["body"] for one in judge.events), interview_id))) >= len(names)
