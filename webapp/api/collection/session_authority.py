"""Decides for many sockets at once whether they may go on watching their sessions, and renews those sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.collection.watchers import (
    LostRight,
    SessionRight,
    WatchedSession,
    find_lost_right,
    is_told_of_renewal,
    read_watched,
    renew_quietly,
)
from services.stores import Stores
from webapp.relay.closing import CloseCode

# Twenty thousand watchers are a write every few milliseconds if each is renewed as often as a visitor. Below one half,
# so that nobody who watches is told again and again that their time was extended.
_WATCHERS_SHARE = 0.4
_CODES = {None: None, LostRight.UNKNOWN: CloseCode.UNKNOWN, LostRight.EXPIRED: CloseCode.EXPIRED}


class SessionAuthority:
    """The authority of all session sources of a process."""

    def __init__(self, here: Stores) -> None:
        self._here = here

    def review(self, rights: Sequence[SessionRight]) -> list[int | None]:
        """Whoever watches uses the session, so it is renewed; a lost right ends the watching."""
        now = self._here.clock.now()
        with self._here.sessions() as session:
            known = read_watched(session, rights)
        lost = [find_lost_right(known.get(session_id), secret, now) for session_id, secret in rights]
        watched = {session_id for (session_id, _), reason in zip(rights, lost, strict=True) if reason is None}
        self._renew([known[session_id] for session_id in watched], now)
        return [_CODES[reason] for reason in lost]

    def _renew(self, watched: Sequence[WatchedSession], now: datetime) -> None:
        directory, policy = self._here.directory, self._here.policy
        due = [(one, directory.renewal(one, share=_WATCHERS_SHARE)) for one in watched]
        quiet = [UUID(one.session_id) for one, at in due if at is not None and not is_told_of_renewal(one, policy, now)]
        if quiet:
            with self._here.unit_of_work() as work:
                renew_quietly(work, quiet, policy, now)
        for one, deadline in due:
            if deadline is not None and is_told_of_renewal(one, policy, now):
                with self._here.unit_of_work() as work:
                    directory.renew(work, one, deadline)
