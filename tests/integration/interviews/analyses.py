"""The real processes that analyse interviews, and what a test does to them and sees of them."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from core.clock import clock
from core.settings import Settings
from dev.local.stack import Stack
from models.interviews import PersonaCombination
from services.interviews.files import ORIGINAL, TEXT, Said, keep_said
from services.interviews.masking.masker import PatternMasker
from services.interviews.row_security import MemberWork
from services.interviews.uploading import UploadedInterview, add_interview, title_of
from services.stores import build_stores
from spool import Spool
from tests.plain_http import NO_TLS
from tests.stacks import run_stack
from tests.waiting import WAIT_SECONDS, wait_until
from webapp.jobs import build_task_sender

from .company import World, build_world

PROCESSES = ("sandbox", "interviews", "sweeper")
SHORT = {
    "WELNO_LEASE_SECONDS": "1.5",
    "WELNO_SWEEP_INTERVAL_SECONDS": "0.2",
    "WELNO_INTERVIEW_CONCURRENCY": "40",
}
RUN = "/ext/v1/workflows/run"
# What is asked becomes no takeaway, of which later interviews of the project tell MISO: the word stays this one's own.
SAID = "Q: {word} 어땠어요?\n답변자: 결제가 느려서 답답했어요.\n답변자: 취소를 한 번에 할 수 있으면 좋겠어요.\n"


@contextmanager
def run_analyses(migrated: Path, processes: tuple[str, ...] = PROCESSES, **settings: str) -> "Iterator[Analyses]":
    with run_stack(migrated, SHORT | settings, processes) as stack:
        analyses = Analyses(stack)
        try:
            yield analyses
        finally:
            analyses.close()


@dataclass(frozen=True)
class Uploaded:
    """`word` stands in its text alone: faults and calls are chosen by it."""

    id: UUID
    word: str


# What a project is told of an analysis that nothing befalls, and what its calls are counted by.
WHOLE = ["interview:added", "analyzing", "interview:completed"]
CALLS = "select calls from welno.miso_costs where interview_id = :id"


# A run of digits may look like a phone number, and would be masked.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def make_word() -> str:
    return f"낱말{uuid4().hex[:10].translate(_LETTERS)}"


class Analyses:
    """Uploads as the web process does, without one."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        settings = Settings.read(stack.env)
        self.stores = build_stores(settings, clock, build_task_sender(settings.stores.broker_url))
        self.files = Spool(settings.files.data_dir, self.stores.sealer, clock).interviews
        self.engine = create_engine(stack.postgres.url)
        self._http = httpx.Client(base_url=f"{stack.sandbox_url}/control", verify=NO_TLS, timeout=30)
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            self.world: World = build_world(session)
            session.add(
                PersonaCombination(
                    id=uuid4(),
                    company_id=self.world.company,
                    persona_code="BUSY",
                    title="바쁜 직장인",
                    description=None,
                )
            )

    @property
    def max_characters(self) -> int:
        """That a text may have."""
        return self.stores.settings.interviews.miso_context_max_chars

    def close(self) -> None:
        self._http.close()
        self.stores.close()
        self.engine.dispose()

    def upload(self, said: str = SAID, *, file: tuple[str, bytes] | None = None, **more: Any) -> Uploaded:
        """By mina, into `food`. Of a text, `{word}` is a word of its own."""
        interview = Uploaded(uuid4(), more.get("word") or make_word())
        words: tuple[str, ...] = more.get("words", ())
        name, content = file or (None, said.replace("{word}", interview.word).encode())
        self.files.put(interview.id, TEXT if name is None else ORIGINAL, content)
        keep_said(self.files, interview.id, Said(name, words, title_of(name)))
        upload = UploadedInterview(
            interview_id=interview.id,
            project_id=self.world.food,
            sha256="0",
            characters=more.get("characters", len(content)),
            size=None if name is None else len(content),
            file_name=name,
            mask_words=words,
        )
        with self.as_member() as member:
            add_interview(member, upload, PatternMasker())
        return interview

    @contextmanager
    def as_member(self, name: str = "mina") -> Iterator[MemberWork]:
        with self.stores.member_work(self.world.people[name], "test-request") as member:
            yield member

    def prepare(self, *, then: Mapping[str, Any] | None = None, **fault: Any) -> "Planned":
        """An upload that meets a fault, and `then` another."""
        word = make_word()
        fault_id = self.fault(match=word, **fault)
        if then:
            self.fault(match=word, **then)
        return Planned(self.upload(word=word), fault_id)

    def fault(self, path: str = RUN, **fields: Any) -> str:
        answer = self._http.post("/faults", json={"path": path, "workflow_seconds": 0.1} | fields)
        assert answer.status_code == 201, answer.text
        fault_id: str = answer.json()["fault_id"]
        return fault_id

    def release(self, fault_id: str) -> None:
        self._http.post(f"/faults/{fault_id}/release").raise_for_status()

    def held(self, fault_id: str) -> int:
        return int(self._fault(fault_id)["waiting"])

    def has_struck(self, fault_id: str) -> bool:
        return self._fault(fault_id)["hits"] > 0

    def _fault(self, fault_id: str) -> dict[str, Any]:
        faults: list[dict[str, Any]] = self._http.get("/faults").json()["faults"]
        return next(one for one in faults if one["fault_id"] == fault_id)

    def calls(self, **query: str) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._http.get("/miso/calls", params=query).json()["calls"]
        return calls

    def runs_of(self, interview: Uploaded) -> list[dict[str, Any]]:
        """The workflows that were asked for, oldest first."""
        return [call for call in self.calls(path="workflows/run", match=interview.word) if call["body"]]

    def bills_of(self, interview: Uploaded) -> list[int]:
        """How often each attempt was billed."""
        users = {call["user"]: 0 for call in self.runs_of(interview)}
        for call in self.runs_of(interview):
            users[call["user"]] += call["billed"]
        return list(users.values())

    def row(self, interview: Uploaded) -> Mapping[str, Any]:
        return self._one("select * from welno.interviews where id = :id", interview)

    def run(self, interview: Uploaded) -> Mapping[str, Any]:
        return self._one("select * from welno.interview_runs where interview_id = :id", interview)

    def unsettled(self, interview: Uploaded) -> list[Mapping[str, Any]]:
        """Its calls of which MISO has not told the end, oldest first."""
        calls = "select * from welno.interview_unsettled_calls where interview_id = :id order by noted_at"
        return self.read(calls, id=interview.id)

    def note_unsettled(self, interview: Uploaded, task_id: str | None, user: str, sends: int = 0) -> None:
        """A call that MISO knows nothing of, sent so often."""
        self.execute(
            "insert into welno.interview_unsettled_calls (miso_user, interview_id, project_id, task_id, sends, sent_at)"
            " values (:user, :id, :project, :task, :sends, case when :sends > 0 then now() end)",
            user=user,
            id=interview.id,
            project=self.world.food,
            task=task_id,
            sends=sends,
        )

    def _one(self, statement: str, interview: Uploaded) -> Mapping[str, Any]:
        [row] = self.read(statement, id=interview.id)
        return row

    def read(self, statement: str, **values: Any) -> list[Mapping[str, Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement), values).mappings())

    def execute(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def wait(self, interview: Uploaded, *statuses: str, timeout: float = WAIT_SECONDS) -> Mapping[str, Any]:
        wait_until(lambda: self.row(interview)["status"] in statuses, timeout, every=0.05)
        return self.row(interview)

    def kill(self) -> None:
        """The process that analyses."""
        self.stack.kill("interviews", signal.SIGKILL)
        wait_until(lambda: not self.stack.is_running("interviews"))

    def assert_whole(self, interview: Uploaded) -> None:
        """It ends, is told once, billed once and counted once."""
        self.wait(interview, "completed", "failed", timeout=40)
        assert (self.told(interview), self.bills_of(interview)) == (WHOLE, [1])
        assert self.read(CALLS, id=interview.id) == [{"calls": 1}]

    def events(self, interview: Uploaded) -> list[dict[str, Any]]:
        """What the project's log says of it, in order."""
        found = self.read(
            "select body::jsonb as body from welno.welno_events where subject = :subject order by seq",
            subject=f"project:{self.world.food}",
        )
        return [row["body"] for row in found if str(interview.id) in str(row["body"])]

    def told(self, interview: Uploaded) -> list[str]:
        """The types of its events, and of a change of status where it led."""
        return [event["data"].get("status") or event["type"] for event in self.events(interview)]


@dataclass(frozen=True)
class Planned:
    interview: Uploaded
    fault_id: str
