"""Decides for many sockets at once whether they may go on watching their sessions, and renews those sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.collection.watchers import (
    WATCHERS_SHARE,
    LostRight,
    SessionRight,
    WatchedSession,
    find_lost_right,
    read_told,
    read_watched,
    renew_quietly,
)
from services.stores import Stores
from webapp.relay.closing import CloseCode

_CODES = {
    None: None,
    LostRight.UNKNOWN: CloseCode.UNKNOWN,
    LostRight.EXPIRED: CloseCode.EXPIRED,
    LostRight.COMPLETE: CloseCode.COMPLETE,
}


class SessionAuthority:
    """The authority of all session sources of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[SessionRight]) -> list[int | None]:
        """Whoever watches uses the session, so it is renewed; a lost right ends the watching."""
        now = self._here.clock.now()
        with self._here.sessions() as session:
            known = read_watched(session, rights, self._here.session_lifetime, now, self._completed_before(now))
        tokens = self._here.directory.tokens
        lost = [find_lost_right(known.get(session_id), secret, tokens) for session_id, secret in rights]
        watched = {session_id for (session_id, _), reason in zip(rights, lost, strict=True) if reason is None}
        self._renew([known[session_id] for session_id in watched if known[session_id].is_due], now)
        return [_CODES[reason] for reason in lost]

    def _completed_before(self, now: datetime) -> datetime:
        """Who has read `completed` leaves sooner; once more that time for who came later, or whom a clock misled."""
        return now - 2 * timedelta(seconds=self._here.settings.collection.stream_after_completed_seconds)

    def _renew(self, due: Sequence[WatchedSession], now: datetime) -> None:
        quiet = [one.session_id for one in due if not one.is_told]
        if quiet:
            with self._here.unit_of_work() as work:
                renew_quietly(work, quiet, self._here.session_lifetime, now)
        told = [one.session_id for one in due if one.is_told]
        if told:
            self._renew_and_tell(told)

    def _renew_and_tell(self, session_ids: Sequence[str]) -> None:
        directory = self._here.directory
        with self._here.sessions() as session:
            told = read_told(session, session_ids)
        for one in told:
            deadline = directory.renewal(one, share=WATCHERS_SHARE)
            if deadline is not None:
                with self._here.unit_of_work() as work:
                    directory.renew(work, one, deadline)
