"""A project's stream before independent judges: each hears every event once, in order, whatever is lost meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from dev.local.demo import DEMO_SETTINGS, demo_password
from dev.local.ports import pick_port
from dev.local.programs import web_program
from tests.chromium import FLAGS
from tests.end_to_end.browser.line import Line
from tests.end_to_end.judges import ChromiumJudge, HttpxJudge, Judge, NodeJudge
from tests.end_to_end.product import Product, run_product
from tests.plain_http import NO_TLS
from tests.replication import Pair, replicated
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
PROCESSES = ("web", "worker", "sweeper")
PROJECT, EDITOR = "배달 앱 연구", "jun@demo.test"
# An EventSource comes back five seconds after a cut.
COMES_BACK_SECONDS = 60


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture(scope="module")
def product(pair: Pair, migrated_home: Path) -> Iterator[Product]:
    """Two web processes, and their streams in a Redis of their own, which the tests may take away."""
    with run_product(migrated_home, PROCESSES, REDIS_URL=pair.url, **DEMO_SETTINGS) as product:
        product.stack.add(web_program("web-2", pick_port()))
        product.stack.start("web-2")
        product.stack.wait_ready()
        yield product


@pytest.fixture(scope="module")
def chromium(chromium_program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program, args=[*FLAGS])
        yield browser
        browser.close()


class Editor:
    """Writes by one web process after the other; what is read goes over the line, which leads to either."""

    def __init__(self, product: Product, line: Line) -> None:
        self.urls = [product.web_url, product.stack.programs["web-2"].url or ""]
        self._line = line
        self._turn = 0
        password = demo_password(product.stack.home)
        login = self._post("/api/v1/accounts/login", {"email": EDITOR, "password": password})
        self.token: str = login.json()["access_token"]
        self.cookie = next((name, value) for name, value in login.cookies.items() if not name.endswith("refresh"))
        projects = self._get("/api/projects").json()["projects"]
        self.project: str = next(one["id"] for one in projects if one["name"] == PROJECT)

    @property
    def home(self) -> str:
        return f"http://127.0.0.1:{self._line.port}"

    @property
    def path(self) -> str:
        return f"/api/sse/projects/{self.project}"

    @property
    def place(self) -> str:
        place: str = self._get(f"/api/projects/{self.project}/interviews?limit=1").json()["last_event_id"]
        return place

    @property
    def seq(self) -> int:
        return int(self.place.partition(":")[2])

    def upload(self, times: int = 1) -> None:
        for _ in range(times):
            self._post("/api/workflow/async", {"projectId": self.project, "text": "답: 쿠폰이 안 보여요."})

    def lead_on(self) -> None:
        """New connections go to the other web process; those of now end."""
        self._turn += 1
        self._line.lead_to(int(self.urls[self._turn % 2].rpartition(":")[2]))
        self._line.drop()

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        self._turn += 1
        headers = {"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {}
        url = self.urls[self._turn % 2] + path
        return httpx.post(url, json=body, headers=headers, timeout=30, verify=NO_TLS).raise_for_status()

    def _get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(self.urls[0] + path, headers=headers, timeout=30, verify=NO_TLS).raise_for_status()


@pytest.fixture(scope="module")
def line(product: Product) -> Iterator[Line]:
    with Line(product.stack.ports.web) as line:
        yield line


@pytest.fixture(scope="module")
def editor(product: Product, line: Line) -> Editor:
    return Editor(product, line)


@pytest.fixture
def judges(editor: Editor, chromium: Browser) -> Iterator[Callable[..., list[Judge]]]:
    """Takes what stands behind the stream's address; returns when all are let in."""
    with ExitStack() as opened:

        def follow(query: str = "") -> list[Judge]:
            url = editor.home + editor.path + query
            # npm's takes an id only along with data: until the first event its place stands in its address.
            placed = url if query else f"{url}?after_seq={editor.place}"
            made: list[Judge] = [
                HttpxJudge(url, editor.token),
                NodeJudge(placed, editor.token),
                ChromiumJudge(chromium, f"{editor.home}/login", url, editor.cookie),
            ]
            for judge in made:
                opened.enter_context(judge)
            wait_until(lambda: all(judge.opened for judge in made), COMES_BACK_SECONDS)
            return made

        yield follow


def check(judges: list[Judge], editor: Editor, after: int) -> None:
    """Each has heard all that came after, once and in order, each under its place, and was never told to start anew."""
    last = editor.seq
    expected = [*range(after + 1, last + 1)]
    wait_until(lambda: all(last in judge.seqs for judge in judges), COMES_BACK_SECONDS)
    for judge in judges:
        assert (type(judge).__name__, judge.seqs) == (type(judge).__name__, expected)
        assert [one["id"] for one in judge.events] == [
            f"{one['body']['epoch']}:{one['body']['seq']}" for one in judge.events
        ]
        assert [one["body"] for one in judge.events] == [one["body"] for one in judges[0].events]
        assert judge.resyncs == 0


@contextmanager
def coming_back(judges: list[Judge]) -> Iterator[None]:
    """What the block does cuts them off; it ends when all are let in again."""
    before = [judge.opened for judge in judges]
    yield
    wait_until(
        lambda: all(judge.opened > count for judge, count in zip(judges, before, strict=True)), COMES_BACK_SECONDS
    )


def test_a_cut_before_the_first_event_loses_nothing(editor: Editor, line: Line, judges: Callable[..., list[Judge]]):
    """The first block has an id and no data: a reader takes the place, and tells no event."""
    after = editor.seq
    readers = judges()
    assert all(judge.messages == [] for judge in readers)
    with coming_back(readers):
        line.cut()
        editor.upload(2)
        line.restore()
    editor.upload()
    check(readers, editor, after)


def test_over_cuts_and_two_web_processes_each_event_comes_once(
    editor: Editor, line: Line, judges: Callable[..., list[Judge]]
):
    after = editor.seq
    readers = judges()
    for _ in range(3):
        editor.upload()
        with coming_back(readers):
            editor.lead_on()
            editor.upload(2)
    check(readers, editor, after)


def test_a_web_process_that_stops_hands_its_readers_over(
    product: Product, editor: Editor, line: Line, judges: Callable[..., list[Judge]]
):
    line.lead_to(product.stack.ports.web)
    after = editor.seq
    readers = judges()
    with coming_back(readers):
        line.lead_to(int(editor.urls[1].rpartition(":")[2]))
        product.stack.restart("web")
        product.stack.wait_ready()
        editor.upload(2)
    check(readers, editor, after)


def empty(pair: Pair) -> None:
    pair.primary.admin.flushall()


def lose_all_data(pair: Pair) -> None:
    pair.restart_first(keep_data=False)


def come_back_with_a_snapshot(pair: Pair) -> None:
    pair.restart_first(keep_data=True)


def fail_over_to_a_lagging_replica(pair: Pair) -> None:
    pair.promote()
    pair.replica.follow(pair.primary)


@pytest.mark.parametrize(
    "lose", [empty, lose_all_data, come_back_with_a_snapshot, fail_over_to_a_lagging_replica], ids=lambda f: f.__name__
)
def test_a_redis_that_lost_its_data_is_noticed_by_nobody(
    pair: Pair, editor: Editor, judges: Callable[..., list[Judge]], lose: Callable[[Pair], None]
):
    after = editor.seq
    readers = judges()
    editor.upload(2)
    wait_until(lambda: all(len(judge.seqs) == 2 for judge in readers), COMES_BACK_SECONDS)
    pair.replica.admin.replicaof("NO", "ONE")  # it lags from here on
    pair.primary.admin.save()
    editor.upload(2)
    lose(pair)
    editor.upload(2)
    check(readers, editor, after)


def test_who_comes_after_redis_lost_its_data_reads_the_log(
    pair: Pair, editor: Editor, judges: Callable[..., list[Judge]]
):
    place = editor.place
    editor.upload(3)
    pair.primary.admin.flushall()
    readers = judges(f"?after_seq={place}")
    editor.upload()
    check(readers, editor, int(place.partition(":")[2]))


@pytest.mark.parametrize("place", ["no-place", "f" * 16 + ":3", "-1", "7" * 60])
def test_a_place_that_is_none_is_told_to_load_and_keeps_its_stream(
    editor: Editor, judges: Callable[..., list[Judge]], place: str
):
    readers = judges(f"?after_seq={place}")
    wait_until(lambda: all(judge.resyncs for judge in readers), COMES_BACK_SECONDS)
    after = editor.seq
    editor.upload(2)
    wait_until(lambda: all(len(judge.seqs) == 2 for judge in readers), COMES_BACK_SECONDS)
    for judge in readers:
        [told, *_] = judge.messages
        assert (told["body"]["type"], told["body"]["data"]) == ("resync", {"reload": True})
        assert told["id"] == f"{told['body']['epoch']}:{after}"
        assert (judge.seqs, judge.resyncs, judge.opened) == ([after + 1, after + 2], 1, 1)
