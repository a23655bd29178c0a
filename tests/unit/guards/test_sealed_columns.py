"""Every column of bytes is sealed anew when a key is rotated, or a line says why not."""

from sqlalchemy import LargeBinary

from models import Table
from services.sealed_columns import SEALED_COLUMNS

_RUN = "sealed anew with its copy in Redis, by services.collection.sealed_rows"
_LOG = "append-only; under the key of the patient or the day, which is sealed anew"
_HASH = "a hash"
NOT_SEALED_ANEW = {
    "welno_collection_history.identity": _RUN,
    "welno_collection_history.auth": _RUN,
    "welno_access_log.sealed": _LOG,
    "welno_access_log.previous_hash": _HASH,
    "welno_access_log.entry_hash": _HASH,
    "welno_access_days.last_hash": _HASH,
    "welno_access_days.previous_hash": _HASH,
    "welno_thread_items.payload": "ciphertext of the members' own; no key of ours opens it",
}


def test_every_column_of_bytes_is_sealed_anew_or_has_a_reason():
    columns = {
        f"{table.name}.{column.name}"
        for table in Table.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    registered = {sealed.name for sealed in SEALED_COLUMNS}
    assert columns - registered == set(NOT_SEALED_ANEW)
