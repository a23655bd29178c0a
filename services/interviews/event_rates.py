"""How many events of each type were told lately, over all projects: from the event log, so each counts once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.names import PROJECT_PREFIX


def count_events(session: Session, now: datetime, windows_seconds: Sequence[int]) -> dict[str, dict[int, int]]:
    """By type and window."""
    columns = ", ".join(f"count(*) filter (where created_at > :since_{window})" for window in windows_seconds)
    statement = text(
        f"select cast(body as json) ->> 'type', {columns} from welno.welno_events"  # noqa: S608 numbers of our own
        f" where kind = :kind and created_at > :since_{max(windows_seconds)} group by 1 order by 1"
    )
    since = {f"since_{window}": now - timedelta(seconds=window) for window in windows_seconds}
    rows = session.execute(statement, {"kind": PROJECT_PREFIX, **since})
    return {row[0]: dict(zip(windows_seconds, row[1:], strict=True)) for row in rows}
