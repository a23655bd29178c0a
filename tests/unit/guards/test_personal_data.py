"""Every table has an eraser, or a line that says why not."""

from types import SimpleNamespace
from typing import Any, cast

from models import Table
from services.personal_data import KEPT_TABLES, ROW_ERASERS
from services.personal_exports import NOT_EXPORTED, list_exporters

EXPORTED = {
    table
    for exporter in list_exporters(cast(Any, SimpleNamespace(access_log=None, sealer=None, people=None)))
    for table in exporter.tables
}
ERASED = {table for eraser in ROW_ERASERS for table in eraser.tables}


def test_every_table_has_an_eraser_or_a_reason():
    """A table of people that nobody erases cannot be added in silence."""
    assert {table.name for table in Table.metadata.tables.values()} == ERASED | set(KEPT_TABLES)


def test_no_table_has_both():
    assert ERASED & set(KEPT_TABLES) == set()


def test_every_table_that_is_erased_is_exported_or_has_a_reason():
    """The access log is exported, and stays under pseudonyms."""
    assert (EXPORTED | set(NOT_EXPORTED)) - {"welno_access_log"} == ERASED
    assert EXPORTED & set(NOT_EXPORTED) == set()
