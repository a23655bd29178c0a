"""The raw answers of the provider that are on disk, and what they say."""

from core.logs import get_logger
from services.collection.step import Claim, request_of
from spool import AnswerKind, DamagedFile, Spool
from upstream.http.exchange import HttpResponse
from upstream.tilko.answers import read_data_response
from upstream.tilko.errors import AnswerUnreadable, TilkoError

log = get_logger(__name__)


def is_answered(spool: Spool, claim: Claim) -> bool:
    """Whether the checkups are on disk that tell of this request's approval. Of an earlier request's nobody knows: it
    was void by then."""
    session_id = str(claim.session_id)
    if spool.find_incoming(session_id, AnswerKind.HEALTH) is None:
        return False
    try:
        about = spool.read_incoming(session_id, AnswerKind.HEALTH).about
    except DamagedFile:
        return True  # whoever settles it parks it
    return about.get("approve_by") in {None, request_of(claim)}


def find_count(spool: Spool, session_id: str, kind: AnswerKind) -> int | None:
    """The number of records of the answer that is on disk; None when there is none. Raises TilkoError (AnswerUnreadable
    for what may have been paid for), DamagedFile."""
    if spool.find_incoming(session_id, kind) is None:
        return None
    kept = spool.read_incoming(session_id, kind)
    try:
        response = HttpResponse(int(kept.about.get("status", 200)), kept.about.get("headers", {}), kept.body)
        return read_data_response(response).count
    except TilkoError:
        raise
    except Exception as exc:
        # A mistake of ours in reading it: to read it again, for ever, would not help.
        log.exception("paid_answer_not_understood", kind=kind, error=type(exc).__name__)
        raise AnswerUnreadable(reason=f"unexpected_{type(exc).__name__.lower()}") from None
