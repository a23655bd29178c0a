"""The raw answers of the provider that are on disk, and what they say."""

from spool import AnswerKind, Spool
from upstream.http.exchange import HttpResponse
from upstream.tilko.answers import read_data_response


def find_count(spool: Spool, session_id: str, kind: AnswerKind) -> int | None:
    """The number of records of the answer that is on disk; None when there is none. Raises AnswerUnreadable,
    DamagedFile."""
    if spool.find_incoming(session_id, kind) is None:
        return None
    kept = spool.read_incoming(session_id, kind)
    response = HttpResponse(int(kept.about.get("status", 200)), kept.about.get("headers", {}), kept.body)
    return read_data_response(response).count
