"""Writes the rows of a table as lines of text: cells parted by tabs, in which masking finds its columns again."""

from collections.abc import Iterable, Iterator


def write_rows(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A line per row, whatever line ends and tabs its cells hold. A row of which only the first cell is filled ends
    with a tab, once there was one with more; before that it is no table, but a text in a box, and keeps its lines."""
    is_table = False
    for row in rows:
        cells = list(row)
        line = write_row(cells).rstrip()
        is_table = is_table or "\t" in line
        if is_table:
            yield f"{line}\t" if line and "\t" not in line else line
        else:
            yield cells[0] if cells else ""


def write_row(cells: Iterable[str]) -> str:
    return "\t".join(" ".join(cell.split()) for cell in cells)
