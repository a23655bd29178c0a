"""What the collection's workload knows of the product's inside: its tables, its streams and its file store."""

from collections.abc import Mapping
from typing import Any

from core.clock import clock
from core.names import session_subject
from core.sealing import Sealer
from core.settings import Settings
from dev.bench.chaos.recorder import DatabaseRecorder
from services.patients.pictures import as_served as join_parts
from services.stores import connect_redis
from spool.names import Folder
from spool.opening import open_spool
from streams import Streams

RUNS_TABLE = "welno.welno_collection_history"
STEPS_TABLE = "welno.welno_collection_steps"
REPORTS_TABLE = "welno.welno_mediarc_reports"
# What the provider calls them, and what they are called in the file store, in the tables, and in the provider's paths.
DATA_TYPES = {"checkups": "health_data", "prescriptions": "prescription_data"}
RECORD_TABLES = {"checkups": "welno.welno_checkup_data", "prescriptions": "welno.welno_prescription_data"}
# What was served of a record stands in these columns of its table.
SERVED_COLUMNS = {"checkups": "raw_data", "prescriptions": "raw_data, details, pictures"}
PROVIDER_PATHS = {"checkups": "ggpab003m0105", "prescriptions": "retrievetreatment"}
_COMMITTED = """
select split_part(subject, ':', 2), seq, body::jsonb from welno.welno_events
where kind = 'tilko_session' order by subject, seq
"""
_ENDS = f"select session_id::text, event_seq from {RUNS_TABLE} where event_seq > 0"
_CXIDS = """
select split_part(subject, ':', 2), body::jsonb->'data'->>'cx_id' from welno.welno_events
where body::jsonb->>'type' = 'auth_key_received' order by created_at
"""
EventBody = dict[str, Any]


def read_committed_events(recorder: DatabaseRecorder) -> dict[str, list[tuple[int, EventBody]]]:
    """Of each session what the event log holds, by number."""
    committed: dict[str, list[tuple[int, EventBody]]] = {}
    for session_id, seq, body in recorder.query(_COMMITTED):
        committed.setdefault(session_id, []).append((seq, body))
    return committed


def read_ends(recorder: DatabaseRecorder) -> dict[str, int]:
    """The number of the last event of each session."""
    return dict(recorder.query(_ENDS))


def read_cxids(recorder: DatabaseRecorder) -> dict[str, str]:
    """The provider's names of the authentications that sessions asked for, each with its session."""
    return {cxid: session_id for session_id, cxid in recorder.try_query(_CXIDS)}


def read_streams(redis_url: str, session_ids: list[str]) -> dict[str, list[tuple[int, EventBody]]]:
    """What Redis still holds of each session: numbers and bodies, in its order."""
    with connect_redis(redis_url) as client:
        streams = Streams(client)
        pages = {one: streams.read_after(session_subject(one), 0) for one in session_ids}
    return {one: [(event.seq, event.body) for event in page.events] for one, page in pages.items()}


def as_served(raw_data: Any, *parts: Any) -> Any:
    """A record as the provider gave it, of its `SERVED_COLUMNS`."""
    return join_parts(raw_data, *parts) if parts else raw_data


class FileStore:
    """The packages of a session, each of one data type."""

    def __init__(self, env: Mapping[str, str]) -> None:
        settings = Settings.read(env)
        self._spool = open_spool(settings.files, Sealer(settings.secrets.sealing_keys), clock)

    def ensure_folders(self) -> None:
        self._spool.ensure_folders()

    def names(self, folder: str) -> list[str]:
        storage = self._spool.storage
        return list(storage.names(storage.folder(Folder(folder))))

    def read_packages(self, session_id: str) -> dict[str, Any]:
        infos = self._spool.names_of(session_id)
        return {info.data_type.value: self._spool.export(info.name).raw_data for info in infos}
