"""Under which role PostgreSQL is asked for what interviews hold."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

CONTENT = (
    "companies",
    "projects",
    "project_members",
    "persona_combinations",
    "interviews",
    "script_sections",
    "key_takeaways",
    "interview_runs",
    "interview_unsettled_calls",
    "conversations",
    "utterances",
    "original_reads",
    "miso_costs",
    "highlights",
    "insights",
    "knowledge_entries",
    "find_utterances",
)
_NAMED = re.compile(rf"\bwelno\.({'|'.join(CONTENT)})\b")
# The whole of what is rightly asked without the role, and why. Names, texts and findings of projects are none of it.
OUTSIDE = {
    "the event log lies outside row-level security, and numbers what is told under the project's row": (
        r"with numbered as \( update welno\.projects set event_seq = event_seq \+ %\(count\)s,"
        r" changed_at = clock_timestamp\(\) where id = cast\(%\(key\)s as uuid\) returning event_seq \), written as"
        r" \( insert into welno\.welno_events .*"
    ),
    "the relay asks how far the streams have come that it serves": (
        r"select id as key, event_seq as event_seq from welno\.projects"
        r" where id = any\(cast\(%\(keys\)s as uuid\[\]\)\)"
    ),
    "the relay asks of all its readers at once who is still in": (
        r"SELECT welno\.project_members\.project_id, welno\.project_members\.account_id FROM welno\.project_members"
        r" WHERE .*"
    ),
}
_OUTSIDE = [re.compile(pattern) for pattern in OUTSIDE.values()]


def is_rightly_outside(statement: str) -> bool:
    said = " ".join(statement.split())
    return len(set(_NAMED.findall(said))) == 1 and any(pattern.fullmatch(said) for pattern in _OUTSIDE)


def is_about_content(statement: str) -> bool:
    return _NAMED.search(statement) is not None and not is_rightly_outside(statement)


@contextmanager
def roles_of_statements(engine: Engine) -> Iterator[list[tuple[str, str]]]:
    """Each statement about content, with the role under which it ran; but for what is rightly outside."""
    seen: list[tuple[str, str]] = []

    def look(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        if is_about_content(statement):
            with connection.connection.cursor() as asking:
                asking.execute("select current_user")
                seen.append((asking.fetchone()[0], statement))

    event.listen(engine, "before_cursor_execute", look)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", look)
