"""Under which role PostgreSQL is asked for what interviews hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

CONTENT = (
    "interviews",
    "script_sections",
    "key_takeaways",
    "interview_runs",
    "conversations",
    "utterances",
    "original_reads",
    "miso_costs",
    "highlights",
    "insights",
    "knowledge_entries",
)
_NAMES = tuple(f"welno.{name}" for name in CONTENT)


@contextmanager
def roles_of_statements(engine: Engine) -> Iterator[list[tuple[str, str]]]:
    """Each statement about content, with the role under which it ran."""
    seen: list[tuple[str, str]] = []

    def look(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        if any(name in statement for name in _NAMES):
            with connection.connection.cursor() as asking:
                asking.execute("select current_user")
                seen.append((asking.fetchone()[0], statement))

    event.listen(engine, "before_cursor_execute", look)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", look)
