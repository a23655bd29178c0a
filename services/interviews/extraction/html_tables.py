"""Finds the rows of an html page that are rows of data, and the column of each of their cells."""

from collections.abc import Callable, Sequence

from bs4.element import Tag

CELLS = ("td", "th")
# Of a table that only lays out a page, and whose cells are pages of their own.
_NESTED = ("table", "tr")
_LINE_ENDS = ("p", "div", "br", "li")
_MOST_LINE_ENDS = 20
# What a cell may claim: pages claim any number.
_MOST_COLUMNS, _MOST_ROWS = 64, 1000


def find_cells(tag: Tag) -> list[Tag]:
    """Of a row of data with two or more; else none."""
    if tag.name != "tr":
        return []
    cells = tag.find_all(CELLS, recursive=False)
    is_data = len(cells) > 1 and tag.find(_NESTED) is None
    return cells if is_data and not any(len(cell.find_all(_LINE_ENDS)) > _MOST_LINE_ENDS for cell in cells) else []


class TableRows:
    """The rows of one table from above: a cell may stand in several columns, and reach into the rows below."""

    def __init__(self) -> None:
        self._reaching: dict[int, int] = {}

    def place(self, cells: Sequence[Tag], read: Callable[[Tag], str]) -> list[str]:
        """The row's texts by column, empty where no cell begins."""
        reaching = {column: rows for column, rows in self._reaching.items() if rows > 0}
        self._reaching = {column: rows - 1 for column, rows in reaching.items()}
        placed: list[str] = []
        for cell in cells:
            while len(placed) in reaching:
                placed.append("")
            rows, columns = _number(cell, "rowspan", _MOST_ROWS), _number(cell, "colspan", _MOST_COLUMNS)
            if rows > 1:
                self._reaching |= dict.fromkeys(range(len(placed), len(placed) + columns), rows - 1)
            placed += [read(cell), *[""] * (columns - 1)]
        return placed


def _number(cell: Tag, name: str, most: int) -> int:
    value = str(cell.get(name, "")).strip()
    return min(max(int(value), 1), most) if value.isascii() and value.isdigit() and len(value) < 6 else 1
