"""The knowledge base holds the masked results of completed interviews, each once, and nothing of deleted ones."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from core.clock import clock
from core.names import TASK_QUEUES, Task
from core.settings import Settings
from services.interviews.changing import delete_interview, restore_interview
from services.interviews.knowledge import KnowledgeTools, sync_documents
from tests.waiting import wait_until
from upstream.miso.knowledge import MisoKnowledge

from .analyses import Analyses, Uploaded, run_analyses

DATASET = "ds-1"
DOCS = f"/ext/v1/datasets/{DATASET}/docs"


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home, MISO_DATASET_ID=DATASET) as running:
        yield running


@pytest.fixture(scope="module")
def tools(analyses: Analyses) -> Iterator[KnowledgeTools]:
    env = analyses.stack.env
    knowledge = MisoKnowledge(env["MISO_API_URL"], env["MISO_KNOWLEDGE_API_KEY"], DATASET)
    yield KnowledgeTools(clock, analyses.stores.unit_of_work, knowledge, lambda: False)
    knowledge.close()


def complete(analyses: Analyses) -> Uploaded:
    interview = analyses.upload()
    analyses.wait(interview, "completed")
    return interview


def entry_of(analyses: Analyses, interview: Uploaded) -> Any:
    found = analyses.read("select * from welno.knowledge_entries where interview_id = :id", id=interview.id)
    return found[0] if found else None


def sync_until(tools: KnowledgeTools, analyses: Analyses, interview: Uploaded, *, is_filled: bool) -> None:
    def is_there() -> bool:
        skip_pause(analyses, interview)
        sync_documents(tools)
        entry = entry_of(analyses, interview)
        return entry["is_filled"] if is_filled and entry else entry is None

    wait_until(is_there, 20, every=0.1)


def skip_pause(analyses: Analyses, interview: Uploaded) -> None:
    """The seconds until it is looked at again. A hold, which takes minutes, stays."""
    analyses.execute(
        "update welno.knowledge_entries set due_at = now()"
        " where interview_id = :id and due_at between now() and now() + interval '20 seconds'",
        id=interview.id,
    )


def name_of(interview: Uploaded) -> str:
    return f"interview-{interview.id}"


def id_of(tools: KnowledgeTools, interview: Uploaded) -> str | None:
    found = tools.knowledge.find_document(name_of(interview))
    return found and found.document_id


def segments_sent(analyses: Analyses, tools: KnowledgeTools, interview: Uploaded) -> list[list[str]]:
    """Those of the document that is there now."""
    calls = analyses.calls(path=f"{id_of(tools, interview)}/segments")
    return [[one["content"] for one in json.loads(call["body"])["segments"]] for call in calls if call["status"] == 200]


def test_a_completed_interview_comes_in_once(analyses: Analyses, tools: KnowledgeTools):
    interview = complete(analyses)
    sync_until(tools, analyses, interview, is_filled=True)
    assert sync_documents(tools) == 0
    [segments] = segments_sent(analyses, tools, interview)
    row = analyses.row(interview)
    assert segments[0].startswith(row["title"])
    assert len(segments) == 1 + sum(
        len(row[name] or ()) for name in ("key_takeaways", "primary_pain_points", "primary_needs")
    )
    assert [call["status"] for call in analyses.calls(path=f"{DOCS}/text", match=name_of(interview))] == [200]


def send_job(analyses: Analyses) -> None:
    with Celery(broker=Settings.read(analyses.stack.env).stores.broker_url) as sender:
        sender.send_task(Task.SYNC_KNOWLEDGE, queue=TASK_QUEUES[Task.SYNC_KNOWLEDGE])


def test_a_process_that_stops_waits_for_no_document(analyses: Analyses, tools: KnowledgeTools):
    """And begins no other: what is left is brought in later, once."""
    interview = complete(analyses)
    held = analyses.fault(f"{DOCS}/text", match=name_of(interview), calls=1, hold="before", hold_seconds=30)

    def is_held() -> bool:
        send_job(analyses)
        return analyses.held(held) == 1

    wait_until(is_held, 20, every=0.5)
    began = time.monotonic()
    analyses.stack.kill("interviews", signal.SIGTERM)
    wait_until(lambda: not analyses.stack.is_running("interviews"), 12)
    assert (time.monotonic() - began < 8, analyses.stack.exit_code("interviews")) == (True, 0)
    analyses.stack.start("interviews")
    sync_until(tools, analyses, interview, is_filled=True)
    assert len(segments_sent(analyses, tools, interview)) == 1


def test_nothing_is_asked_by_a_process_that_stops(analyses: Analyses, tools: KnowledgeTools):
    interview = complete(analyses)
    before = len(analyses.calls(match=name_of(interview)))
    sync_documents(replace(tools, is_stopping=lambda: True))
    assert len(analyses.calls(match=name_of(interview))) == before
    # It holds the row until it would have died.
    analyses.execute("update welno.knowledge_entries set due_at = now() where interview_id = :id", id=interview.id)
    sync_until(tools, analyses, interview, is_filled=True)


def test_the_job_brings_it_in(analyses: Analyses, tools: KnowledgeTools):
    interview = complete(analyses)

    def is_filled() -> bool:
        send_job(analyses)
        return bool(entry_of(analyses, interview)["is_filled"])

    wait_until(is_filled, 20, every=0.5)
    assert len(segments_sent(analyses, tools, interview)) == 1


def test_deletion_takes_it_out_and_restoring_brings_it_back(analyses: Analyses, tools: KnowledgeTools):
    interview = complete(analyses)
    sync_until(tools, analyses, interview, is_filled=True)
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    sync_until(tools, analyses, interview, is_filled=False)
    assert id_of(tools, interview) is None
    with analyses.as_member() as member:
        restore_interview(member, interview.id, 30)
    sync_until(tools, analyses, interview, is_filled=True)
    assert len(segments_sent(analyses, tools, interview)) == 1


@pytest.mark.parametrize("fault", [{"cut": "during"}, {"status": 503}, {"malformed": True}])
def test_a_document_whose_answer_was_lost_is_made_once(
    analyses: Analyses, tools: KnowledgeTools, fault: dict[str, Any]
):
    interview = complete(analyses)
    analyses.fault(f"{DOCS}/text", match=name_of(interview), calls=1, **fault)
    sync_until(tools, analyses, interview, is_filled=True)
    assert len(segments_sent(analyses, tools, interview)) == 1
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    sync_until(tools, analyses, interview, is_filled=False)
    assert id_of(tools, interview) is None


def test_segments_of_which_nobody_knows_go_with_their_document(analyses: Analyses, tools: KnowledgeTools):
    """As after the death of a process between the call and its note."""
    interview = complete(analyses)
    sync_until(tools, analyses, interview, is_filled=True)
    before = id_of(tools, interview)
    analyses.execute(
        "update welno.knowledge_entries set is_filling = true, is_filled = false, due_at = now()"
        " where interview_id = :id",
        id=interview.id,
    )
    sync_until(tools, analyses, interview, is_filled=True)
    after = id_of(tools, interview)
    assert before != after
    assert len(segments_sent(analyses, tools, interview)) == 1


def test_one_that_is_deleted_on_its_way_leaves_nothing(analyses: Analyses, tools: KnowledgeTools):
    interview = complete(analyses)
    wait_until(lambda: sync_documents(tools) >= 0 and entry_of(analyses, interview)["document_id"] is not None, 20)
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    sync_until(tools, analyses, interview, is_filled=False)
    assert id_of(tools, interview) is None


def test_one_is_found_and_filled_however_many_documents_there_are(analyses: Analyses, tools: KnowledgeTools):
    for number in range(25):
        tools.knowledge.add_document(f"somebody else's {number}", "text")
    interview = complete(analyses)
    sync_until(tools, analyses, interview, is_filled=True)
    assert len(segments_sent(analyses, tools, interview)) == 1


def test_every_document_of_its_name_is_taken_out(analyses: Analyses, tools: KnowledgeTools):
    """As two processes may have made one each."""
    interview = complete(analyses)
    sync_until(tools, analyses, interview, is_filled=True)
    for _ in range(2):
        tools.knowledge.add_document(name_of(interview), "text")
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    sync_until(tools, analyses, interview, is_filled=False)
    assert id_of(tools, interview) is None


def make_due(analyses: Analyses, interview: Uploaded) -> None:
    analyses.execute("update welno.knowledge_entries set due_at = now() where interview_id = :id", id=interview.id)


def test_one_that_is_withdrawn_while_it_is_made_is_deleted_at_once(analyses: Analyses, tools: KnowledgeTools):
    """Whoever takes it out comes too early to find it."""
    interview = complete(analyses)
    held = analyses.fault(f"{DOCS}/text", match=name_of(interview), calls=1, hold="before", hold_seconds=30)
    making = threading.Thread(target=sync_documents, args=(tools,))
    making.start()
    wait_until(lambda: analyses.held(held) == 1, 20)
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    sync_documents(tools)
    assert entry_of(analyses, interview)["is_wanted"] is False
    analyses.release(held)
    making.join(10)
    assert (making.is_alive(), id_of(tools, interview)) == (False, None)
    assert [call["status"] for call in analyses.calls(path=f"{DOCS}/text", match=name_of(interview))] == [200]
    make_due(analyses, interview)
    sync_until(tools, analyses, interview, is_filled=False)


def test_one_that_arrives_after_its_maker_died_is_taken_out_later(analyses: Analyses, tools: KnowledgeTools):
    interview = complete(analyses)
    analyses.execute(
        "update welno.knowledge_entries set is_begun = true where interview_id = :id and due_at <= now()",
        id=interview.id,
    )
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    sync_documents(tools)
    tools.knowledge.add_document(name_of(interview), "text")
    assert sync_documents(tools) == 0
    make_due(analyses, interview)
    sync_until(tools, analyses, interview, is_filled=False)
    assert id_of(tools, interview) is None
