"""Beat's jobs, done by a real worker."""

from datetime import timedelta

from celery import Celery

from core.names import Queue, Status, Task
from dev.local.stack import Stack
from models.accounts import RevokedToken
from models.delivery import IdempotencyKey
from models.shl import HealthLink, HealthLinkFile
from services.accounts.revocations import token_time
from tests.integration.collection.driver import Driver
from tests.waiting import wait_until


def send(running: Stack, task: Task) -> None:
    with Celery("beat", broker=running.env["CELERY_BROKER_URL"], set_as_current=False) as beat:
        beat.send_task(task, queue=Queue.HOUSEKEEPING, ignore_result=True)


def test_revocations_of_ended_tokens_and_old_idempotency_keys_are_deleted(running: Stack, driver: Driver):
    with driver.stores.unit_of_work() as work:
        long_ago = token_time(work.session) - timedelta(days=3)
        work.session.add(RevokedToken(token_hash="ended", expires_at=long_ago))
        work.session.add(IdempotencyKey(actor="a", key_hash="k", fingerprint="f", created_at=long_ago))
    send(running, Task.FORGET_REVOCATIONS)

    def is_gone() -> bool:
        with driver.stores.sessions() as session:
            key = session.get(IdempotencyKey, ("a", "k"))
            return key is None and session.get(RevokedToken, "ended") is None

    wait_until(is_gone)


def test_runs_that_ended_long_ago_are_deleted(running: Stack, driver: Driver):
    kept, old = driver.start_somebody(), driver.start_somebody()
    for session_id in (kept, old):
        driver.cancel(session_id)
    query = "update welno.welno_collection_history set collection_ended_at = now() - interval '366 days'"
    driver.execute(f"{query} where session_id = :id", id=old)
    del driver.tokens[old]
    send(running, Task.DELETE_OLD_RUNS)
    query = "select session_id::text from welno.welno_collection_history where session_id::text in (:kept, :old)"
    wait_until(lambda: driver.rows(query, kept=kept, old=old) == [(kept,)])


def test_links_whose_time_is_over_lose_their_files_and_others_who_came_long_ago(running: Stack, driver: Driver):
    session_id = driver.approved()
    driver.ask_collection(session_id)
    uuid = driver.wait_for(session_id, Status.COMPLETED).patient_uuid
    with driver.stores.unit_of_work() as work:
        now = driver.stores.clock.now()
        over = HealthLink(id="over", patient_uuid=uuid, is_long_term=False, created_at=now, expires_at=now)
        work.session.add_all([over, HealthLink(id="open", patient_uuid=uuid, is_long_term=False, created_at=now)])
        work.session.flush()
        work.session.add(HealthLinkFile(link_id=over.id, position=0, content_type="x", jwe="x", updated_at=now))
    driver.execute("""
        insert into welno.welno_shl_fetches (id, link_id, kind, recipient, at)
        select gen_random_uuid(), 'open', 'manifest', 'x', now() - n * interval '1 minute'
        from generate_series(1, 3500) as n
    """)
    send(running, Task.FORGET_HEALTH_LINKS)
    wait_until(lambda: driver.rows("select count(*) from welno.welno_shl_fetches") == [(1000,)])
    assert driver.rows("select jwe from welno.welno_shl_files") == [("x",)]
    send(running, Task.DELETE_HEALTH_LINK_FILES)
    wait_until(lambda: driver.rows("select jwe from welno.welno_shl_files") == [])
    assert driver.rows("select id from welno.welno_shl order by id") == [("open",), ("over",)]
