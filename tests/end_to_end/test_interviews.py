"""The demo's companies through the whole product: an upload becomes an analysis before everybody's eyes."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from httpx_sse import EventSource

from dev.local.demo import DEMO_SETTINGS, demo_password
from tests.end_to_end.judges import HttpxJudge, Judge
from tests.end_to_end.product import Product, run_product
from tests.plain_http import NO_TLS
from tests.waiting import wait_until

PROCESSES = ("sandbox", "web", "worker", "interviews", "poller", "sweeper", "beat")
RUN = "/ext/v1/workflows/run"
TEXT = "Q: 어땠어요?\n답변자: 결제 화면이 자꾸 멈춰서 답답했어요.\n답변자: 한 번에 취소하고 싶어요.\n"


@pytest.fixture(scope="module")
def demo(migrated_home: Path) -> Iterator[Product]:
    with run_product(migrated_home, PROCESSES, **DEMO_SETTINGS) as product:
        yield product


class Colleague:
    """A member of the demo, signed in."""

    def __init__(self, product: Product, name: str) -> None:
        self.http = httpx.Client(base_url=product.web_url, timeout=30, verify=NO_TLS)
        body = {"email": f"{name}@demo.test", "password": demo_password(product.stack.home)}
        answer = self.http.post("/api/v1/accounts/login", json=body, headers={"Origin": product.web_url})
        assert answer.status_code == 200, answer.text
        self.http.cookies.clear()
        self.token: str = answer.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.project: str = self.http.get("/api/projects").json()["projects"][0]["id"]

    def upload(self, text: str = TEXT) -> str:
        answer = self.http.post("/api/workflow/async", json={"text": text, "projectId": self.project})
        assert answer.status_code == 200, answer.text
        interview_id: str = answer.json()["interview_id"]
        return interview_id

    def ask(self, method: str, path: str, body: dict[str, str] | None, **names: str) -> tuple[int, str]:
        """The status and the code."""
        said = {name: value.format(**names) for name, value in body.items()} if body else None
        answer = self.http.request(method, path.format(**names), json=said)
        return answer.status_code, answer.json()["error"]["code"]

    def interview(self, interview_id: str) -> dict[str, Any]:
        interview: dict[str, Any] = self.http.get(f"/api/interviews/{interview_id}").json()["interview"]
        return interview

    @contextmanager
    def following(self, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of the project, from now or from the place on."""
        with self.http.stream("GET", f"/api/sse/projects/{self.project}", headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            events = EventSource(answer).iter_sse()
            next(events)  # the place
            yield (event.json() | {"id": event.id} for event in events if event.data and '"ping"' not in event.data)


SignIn = Callable[[str], Colleague]


@pytest.fixture
def sign_in(demo: Product) -> Iterator[SignIn]:
    with ExitStack() as opened:

        def signed_in(name: str) -> Colleague:
            colleague = Colleague(demo, name)
            opened.callback(colleague.http.close)
            return colleague

        yield signed_in


@pytest.fixture
def mina(sign_in: SignIn) -> Colleague:
    return sign_in("mina")


@pytest.fixture
def jun(sign_in: SignIn) -> Colleague:
    return sign_in("jun")


def names_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["data"].get("status") or event["type"] for event in events]


def of_interview(events: Iterable[dict[str, Any]], interview_id: str) -> Iterator[dict[str, Any]]:
    """Analyses of other tests go on in the same project."""
    return (event for event in events if interview_id in str(event["data"]))


def test_everybody_sees_each_status_once_and_in_order(mina: Colleague, jun: Colleague, sign_in: SignIn):
    """Two who work on it and one who only looks."""
    vera = sign_in("vera")
    mina.project = vera.project = jun.project
    with mina.following() as hers, jun.following() as his, vera.following() as viewers:
        interview_id = mina.upload()
        seen = [list(islice(of_interview(events, interview_id), 3)) for events in (hers, his, viewers)]
    assert seen[0] == seen[1] == seen[2]
    assert names_of(seen[0]) == ["interview:added", "analyzing", "interview:completed"]
    assert [event["seq"] - seen[0][0]["seq"] for event in seen[0]] == [0, 1, 2]
    assert seen[0][-1]["data"]["result"]["counts"]["cleaned_script"] == 3
    interview = jun.interview(interview_id)
    assert "결제 화면이 자꾸 멈춰서 답답했어요." in str(interview["cleaned_script"])
    assert interview["persona_combination_id"] is not None
    status = jun.http.get(f"/api/interviews/{interview_id}/status").json()
    assert (status["status"], status["processingTime"] > 0) == ("completed", True)


def test_who_only_looks_uploads_nothing(jun: Colleague, sign_in: SignIn):
    vera = sign_in("vera")
    body = {"text": TEXT, "projectId": jun.project}
    assert vera.ask("POST", "/api/workflow/async", body) == (403, "FORBIDDEN")


def test_a_stranger_cannot_tell_the_project_from_none(jun: Colleague, sign_in: SignIn):
    interview_id, sora, nowhere = jun.upload(), sign_in("sora"), str(uuid4())
    asked = [
        ("GET", "/api/sse/projects/{project}", None),
        ("GET", "/api/projects/{project}/interviews", None),
        ("GET", "/api/interviews/{interview}", None),
        ("GET", "/api/interviews/{interview}/status", None),
        ("DELETE", "/api/interviews/{interview}", None),
        ("POST", "/api/workflow/async", {"text": TEXT, "projectId": "{project}"}),
    ]
    for method, path, body in asked:
        told = [
            sora.ask(method, path, body, project=project, interview=interview)
            for project, interview in ((jun.project, interview_id), (nowhere, nowhere))
        ]
        assert told[0] == told[1], path
        assert told[0][0] in {403, 404}, path


def test_a_reader_that_was_away_misses_nothing_though_redis_was_emptied(demo: Product, mina: Colleague):
    with mina.following() as events:
        interview_id = mina.upload()
        place = next(of_interview(events, interview_id))["id"]
    wait_until(lambda: mina.interview(interview_id)["workflow_status"] == "completed", 30)
    demo.redis.flushall()
    with mina.following(**{"Last-Event-ID": place}) as events:
        assert names_of(list(islice(of_interview(events, interview_id), 2))) == ["analyzing", "interview:completed"]


def restart_web(demo: Product) -> None:
    demo.stack.restart("web")


def empty_redis(demo: Product) -> None:
    demo.redis.flushall()


@pytest.mark.parametrize("lose", [restart_web, empty_redis], ids=lambda one: one.__name__)
def test_each_status_comes_once_whatever_is_lost_while_miso_works(
    demo: Product, mina: Colleague, lose: Callable[[Product], None]
):
    url = f"{demo.web_url}/api/sse/projects/{mina.project}"
    with HttpxJudge(url, mina.token) as judge, demo.provider.fault(RUN, hold="before", calls=1) as fault_id:
        wait_until(lambda: judge.opened, 20)
        interview_id = mina.upload(TEXT + lose.__name__)
        wait_until(lambda: demo.provider.held_calls(fault_id) == 1, 20)
        lose(demo)
        demo.stack.wait_ready()
        demo.provider.release(fault_id)
        wait_until(lambda: mina.interview(interview_id)["workflow_status"] == "completed", 60, every=0.2)
        wait_until(lambda: "interview:completed" in judged_names(judge, interview_id), 20)
    assert judged_names(judge, interview_id) == ["interview:added", "analyzing", "interview:completed"]
    assert judge.seqs == [*range(judge.seqs[0], judge.seqs[0] + len(judge.seqs))]
    assert judge.resyncs == 0


def judged_names(judge: Judge, interview_id: str) -> list[str]:
    return names_of(list(of_interview((message["body"] for message in judge.events), interview_id)))


def test_no_collection_waits_while_many_analyses_wait_for_miso(demo: Product, mina: Colleague):
    """Twice as many as the process does at once: eight of them are held by MISO, and the others wait."""
    with demo.provider.fault(RUN, hold="before") as fault_id:
        ids = [mina.upload(TEXT + str(number)) for number in range(16)]
        wait_until(lambda: demo.provider.held_calls(fault_id) == 8, 20)
        people = [demo.meet().is_known_with() for _ in range(4)]
        walking = [threading.Thread(target=person.collects) for person in people]
        for one in walking:
            one.start()
        for one in walking:
            one.join(30)
        done = demo.rows("select count(*) as n from welno.welno_collection_history where status = 'completed'")
        gauges = demo.get("/metrics").text
        assert demo.provider.held_calls(fault_id) == 8
    assert done[0]["n"] == len(people)
    assert "welno_interviews_under_way 8.0" in gauges
    assert "welno_interviews_waiting 8.0" in gauges
    waits = demo.rows("""
        select extract(epoch from started_at - before) as seconds from (
            select started_at, lag(ended_at) over (partition by session_id order by id) as before, step
            from welno.welno_collection_steps where outcome = 'done'
        ) as steps where before is not null and step not in ('poll_simple_auth', 'fetch_health_data')
    """)
    assert max(row["seconds"] for row in waits) < 1
    wait_until(lambda: all(mina.interview(one)["workflow_status"] == "completed" for one in ids), 60, every=0.5)
    demo.close_browsers()
