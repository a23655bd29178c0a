"""The tables of a page in Markdown: taken out of it, or put in place of those that stand there."""

from collections.abc import Sequence

_ROW = "|"


def split_tables(text: str) -> list[list[str]]:
    """Lines that begin with a bar, by the blocks in which they stand."""
    tables: list[list[str]] = []
    is_inside = False
    for line in text.splitlines():
        if line.startswith(_ROW):
            if not is_inside:
                tables.append([])
            tables[-1].append(line)
        is_inside = line.startswith(_ROW)
    return tables


def replace_tables(text: str, tables: Sequence[Sequence[str]]) -> str:
    """The text with the n-th table in place of its own n-th. Raises ValueError when there are not as many."""
    if (there := len(split_tables(text))) != len(tables):
        raise ValueError(f"the page has {there} tables, not {len(tables)}")
    lines: list[str] = []
    left = iter(tables)
    is_inside = False
    for line in text.splitlines():
        if not line.startswith(_ROW):
            lines.append(line)
        elif not is_inside:
            lines.extend(next(left))
        is_inside = line.startswith(_ROW)
    return "\n".join(lines) + "\n"
