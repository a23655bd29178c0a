"""Every table has an eraser, or a line that says why not."""

from models import Table
from services.personal_data import KEPT_TABLES, ROW_ERASERS

ERASED = {table for eraser in ROW_ERASERS for table in eraser.tables}


def test_every_table_has_an_eraser_or_a_reason():
    """A table of people that nobody erases cannot be added in silence."""
    assert {table.name for table in Table.metadata.tables.values()} == ERASED | set(KEPT_TABLES)


def test_no_table_has_both():
    assert ERASED & set(KEPT_TABLES) == set()
