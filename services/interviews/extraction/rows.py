"""Writes the rows of a table as lines of text: cells parted by tabs, in which masking finds its columns again."""

from collections.abc import Iterable, Iterator


def write_rows(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A line per row, whatever its cells hold. A row of which only the first cell is filled ends with a tab, once there
    was one with more."""
    is_table = False
    for row in rows:
        line = "\t".join(" ".join(cell.split()) for cell in row).rstrip()
        is_table = is_table or "\t" in line
        yield f"{line}\t" if line and is_table and "\t" not in line else line
