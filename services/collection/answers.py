"""The raw answers of the provider: what is already on disk is never asked for again."""

from collections.abc import Callable

import orjson

from core.logs import get_logger
from spool import DamagedFile, DataType, Spool
from upstream.tilko.answers import DataAnswer

log = get_logger(__name__)


def count_records(raw: bytes) -> int:
    """How many records a stored answer holds; null and [] are a person who was never examined."""
    return len(orjson.loads(raw).get("ResultList") or [])


def find_count(spool: Spool, session_id: str, kind: DataType) -> int | None:
    """The number of records of the answer that is on disk; None when there is none. A damaged one is set aside: it is
    of no use, and would stay in the way of a new one."""
    if spool.find_incoming(session_id, kind) is None:
        return None
    try:
        return count_records(spool.read_incoming(session_id, kind))
    except DamagedFile as exc:
        log.error("paid_answer_damaged", session_id=session_id, kind=kind, reason=exc.reason)  # noqa: TRY400 the reason says it all
        spool.park_incoming(session_id, kind, f"damaged_{exc.reason}")
        return None


class AnswerStore:
    """Gives the answers on disk, and asks (and pays) for those that are not there, one process at a time."""

    def __init__(self, spool: Spool, patience_seconds: float) -> None:
        self._spool = spool
        self._patience_seconds = patience_seconds

    def find_or_fetch(self, session_id: str, kind: DataType, fetch: Callable[[], DataAnswer]) -> int:
        """The number of records of the answer."""
        with self._spool.calling(session_id, kind, self._patience_seconds) as call:
            kept = find_count(self._spool, session_id, kind)
            if kept is not None:
                return kept
            answer = fetch()
            call.write()
            self._spool.put_incoming(session_id, kind, answer.raw)
        return answer.count
