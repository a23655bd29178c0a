"""What the collection's workload knows of the product's inside: its tables, its streams and its file store."""

from collections.abc import Mapping
from typing import Any

import redis

from core.clock import clock
from core.names import session_subject
from core.sealing import Sealer
from core.settings import Settings
from dev.bench.chaos.recorder import DatabaseRecorder
from spool import Spool
from streams import Streams

RUNS_TABLE = "welno.welno_collection_history"
STEPS_TABLE = "welno.welno_collection_steps"
REPORTS_TABLE = "welno.welno_mediarc_reports"
# What the provider calls them, and what they are called in the file store, in the tables, and in the provider's paths.
DATA_TYPES = {"checkups": "health_data", "prescriptions": "prescription_data"}
RECORD_TABLES = {"checkups": "welno.welno_checkup_data", "prescriptions": "welno.welno_prescription_data"}
PROVIDER_PATHS = {"checkups": "ggpab003m0105", "prescriptions": "retrievetreatment"}
# Events leave the outbox once they are sent, so that each has to be noted when it is committed.
COMMITTED_EVENTS_SCHEMA = """
create table chaos.events (session_id text, outbox_id bigint, body jsonb);
create function chaos.record_event() returns trigger language plpgsql as $$ begin
  insert into chaos.events values (new.body->>'session_id', new.id, new.body);
  return null; end $$;
create trigger record after insert on welno.welno_outbox for each row execute function chaos.record_event();
"""
_COMMITTED = "select session_id, body from chaos.events order by outbox_id"
_UNSENT = "select count(*) from welno.welno_outbox"
_CXIDS = """
select session_id, body->'data'->>'cx_id' from chaos.events where body->>'type' = 'auth_key_received' order by outbox_id
"""
EventBody = dict[str, Any]


def read_committed_events(recorder: DatabaseRecorder) -> dict[str, list[EventBody]]:
    """Of each session, in the order of the commits."""
    committed: dict[str, list[EventBody]] = {}
    for session_id, body in recorder.query(_COMMITTED):
        committed.setdefault(session_id, []).append(body)
    return committed


def count_unsent_events(recorder: DatabaseRecorder) -> int:
    [(count,)] = recorder.query(_UNSENT)
    return int(count)


def read_cxids(recorder: DatabaseRecorder) -> dict[str, str]:
    """The provider's names of the authentications that sessions asked for, each with its session."""
    return {cxid: session_id for session_id, cxid in recorder.try_query(_CXIDS)}


def read_streams(redis_url: str, session_ids: list[str]) -> dict[str, list[tuple[int, EventBody]]]:
    """What Redis still holds of each session: numbers and bodies, in its order."""
    with redis.Redis.from_url(redis_url) as client:
        streams = Streams(client)
        pages = {one: streams.read_after(session_subject(one), 0) for one in session_ids}
    return {one: [(event.seq, event.body) for event in page.events] for one, page in pages.items()}


class FileStore:
    """The packages of a session, each of one data type."""

    def __init__(self, env: Mapping[str, str]) -> None:
        settings = Settings.read(env)
        self.folder = settings.tilko_data_dir
        self._spool = Spool(settings.tilko_data_dir, Sealer(settings.sealing_keys), clock)

    def read_packages(self, session_id: str) -> dict[str, Any]:
        infos = self._spool.names_of(session_id)
        return {info.data_type.value: self._spool.export(info.name).raw_data for info in infos}
