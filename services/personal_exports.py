"""A person's data over all domains as one archive. For workers: drawing the trends takes a library that no web process
needs."""

from collections.abc import Mapping
from uuid import UUID

from services.collection.exporters import COLLECTION_EXPORTER
from services.journey.exporters import journey_exporter
from services.patients.exporters import patients_exporter
from services.patients.exports import Exporter, build_anew, find_building, is_ready, mark_ready, pack, read_data
from services.patients.joins import find_older
from services.patients.records import read_measurements
from services.patients.trend_document import render_trends
from services.shl.exporters import HEALTH_LINKS_EXPORTER
from services.stores import Stores
from services.threads.exporters import THREADS_EXPORTER
from spool import Spool

# Why a table that an eraser empties of the person is in no archive; a guard test wants one or the other of each.
NOT_EXPORTED: Mapping[str, str] = {
    "emr_sync_status": "how far the hospital's system was told of the visits, which are there",
    "idempotency_keys": "copies of answers, for a day",
    "patient_states": "where the visit stands now; how it came there is in the steps",
    "queue_status_logs": "how an entry in a line changed; its moments are in the entries",
    "scan_tokens": "ids of tokens, for half an hour",
    "welno_shl_files": "the records themselves, sealed for whoever has the link",
    "welno_shl_locations": "hashes of addresses, for an hour",
    "welno_thread_clients": "places of devices in a thread's numbering",
    "welno_thread_items": "ciphertext, which the members' own devices open and keep",
    "welno_thread_keysets": "keys, sealed for the members' devices",
    "welno_thread_wraps": "keys, sealed for one device",
    "welno_threads": "of all their members; that one is in is in the memberships",
    "welno_collection_steps": "tries of our own work",
    "welno_events": "what the page was told; its results are in the collections and visits",
    "welno_patient_joins": "whose older records are shown: those are in the archive, under `joined/`",
    "welno_patient_keys": "a key of ours",
    "welno_patient_passwords": "a hash, which would only help who guesses",
    "welno_pushes": "a pseudonym of the phone, until the push has ended",
    "welno_subjects": "counters",
    "welno_webhook_deliveries": "that a session ended, told to other systems without its person",
}


def build_export(stores: Stores, spool: Spool, export_id: UUID) -> bool:
    """False when it is built, or not wanted any more. Raises StorageFault."""
    with stores.sessions() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        patient_uuid = find_building(session, export_id)
        if patient_uuid is None:
            return False
        exporters = list_exporters(stores)
        data = dict(read_data(session, exporters, patient_uuid))
        older = find_older(session, patient_uuid)
        if older is not None:
            joined = read_data(session, exporters, older)
            data |= {f"joined/{name}": rows for name, rows in joined.items()}
        measured = read_measurements(session, patient_uuid)
    now = stores.clock.now()
    archive = pack(data, {"trends.pdf": render_trends(measured, now)})
    spool.archives.put(patient_uuid, export_id, archive, now.timestamp())
    with stores.unit_of_work() as work:
        is_built = mark_ready(work.session, export_id)
        if is_built and find_older(work.session, patient_uuid) != older:  # joined or parted while we built it
            build_anew(work.session, patient_uuid)
            is_built = False
        is_wanted = is_built or is_ready(work.session, export_id)
    if not is_wanted:  # fetched, or erased, while we built it
        spool.archives.drop(patient_uuid, export_id)
    return is_built


def list_exporters(stores: Stores) -> tuple[Exporter, ...]:
    return (
        patients_exporter(stores.access_log, stores.sealer),
        COLLECTION_EXPORTER,
        journey_exporter(stores.people),
        THREADS_EXPORTER,
        HEALTH_LINKS_EXPORTER,
    )
