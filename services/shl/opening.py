"""Opening a SMART Health Link: the passcode, the manifest, locations that open once, and noting who came.

A try of the passcode is counted *before* it is compared, under the row's lock and in a transaction of its own: fifty
guesses at once get ten comparisons, and no crash or cut connection takes a count back. A right one is taken back
afterwards: only wrong ones count in the link's life. The slow comparison holds no lock. A link is locked when ten are
counted and none of them is being compared any more; until then the next ones wait.
"""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.clock import Clock
from core.tokens import hash_token
from models.shl import FetchKind, HealthLink, HealthLinkFetch, HealthLinkFile, HealthLinkLocation
from services.accounts.hashing import PasswordHashes, Run
from services.delivery.unit_of_work import UnitOfWork
from services.shl.errors import LinkNotFound, TriesUnderWay, WrongPasscode
from services.shl.links import MAX_TRIES, is_active

# Embedded where whoever asks says nothing of it: what a person's phone reads at once.
EMBEDDED_DEFAULT_BYTES = 64 * 1024
_TOKEN_BYTES = 32
_WAIT_SECONDS, _PAUSE_SECONDS = 10, 0.1
# A comparison takes a fraction of a second; one that began longer ago is taken to be cut off with its process.
_COMPARED_WITHIN = timedelta(seconds=60)
_never = threading.Event()


@dataclass(frozen=True)
class LinkRecipient:
    """Who comes, as they call themselves, and from which network."""

    name: str
    network: str | None


@dataclass(frozen=True, repr=False)
class GivenFile:
    """Of a manifest: the file itself, or the token of a location."""

    content_type: str
    updated_at: datetime
    embedded: str | None = None
    token: str | None = None


@dataclass(frozen=True, repr=False)
class TakenFile:
    """A file that was given out, and whose it is."""

    patient_uuid: UUID
    link_id: str
    jwe: str


@dataclass(frozen=True, repr=False)
class _BegunTry:
    """`remaining` is how many are left when this one is wrong."""

    passcode_hash: str
    passcode: str
    remaining: int
    at: datetime


class PasscodeCheck:
    """Opens its own short transactions around the slow part. Do not call it inside a transaction of the same row."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, hashes: PasswordHashes, run: Run) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._hashes = hashes
        self._run = run

    def require(self, link_id: str, passcode: str | None, recipient: LinkRecipient) -> None:
        """Raises LinkNotFound, WrongPasscode, TriesUnderWay. Nothing to do for a link without one; none given is no
        try."""
        begun = self._begin_try(link_id, passcode)
        if begun is None:
            return
        is_right = self._run(self._hashes.check, begun.passcode_hash, begun.passcode).matches
        self._settle_try(link_id, begun, is_right, recipient)
        if not is_right:
            raise WrongPasscode(begun.remaining)

    def _begin_try(self, link_id: str, passcode: str | None) -> _BegunTry | None:
        """None where there is nothing to compare. Who comes beyond the last try waits for what the others' come to."""
        deadline = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            with self._unit_of_work() as work:
                now = self._clock.now()
                query = select(HealthLink).where(HealthLink.id == link_id, is_active(now))
                link = work.session.scalar(query.with_for_update(of=HealthLink))
                if link is None:
                    raise LinkNotFound
                if link.passcode_hash is None:
                    return None
                if passcode is None:
                    raise WrongPasscode(MAX_TRIES - link.wrong_tries)
                if _count_try(link, now):
                    return _BegunTry(link.passcode_hash, passcode, MAX_TRIES - link.wrong_tries, now)
            if self._clock.monotonic() > deadline:
                raise TriesUnderWay
            _never.wait(_PAUSE_SECONDS)

    def _settle_try(self, link_id: str, begun: _BegunTry, is_right: bool, recipient: LinkRecipient) -> None:
        """A link that was locked meanwhile stays so."""
        with self._unit_of_work() as work:
            link = work.session.scalar(select(HealthLink).where(HealthLink.id == link_id).with_for_update())
            if link is None:
                return  # erased meanwhile
            now = self._clock.now()
            # One that outlasts its time may be counted no more: it would take away another, which may turn out right.
            if now < begun.at + _COMPARED_WITHIN:
                link.tries_under_way = max(0, link.tries_under_way - 1)
            if is_right:
                link.wrong_tries = max(0, link.wrong_tries - 1)
            else:
                note_fetch(work.session, link_id, FetchKind.WRONG_PASSCODE, recipient, now)
            _lock_when_used_up(link, now)


def _count_try(link: HealthLink, now: datetime) -> bool:
    """Whether it may be compared. The link's row must be locked."""
    if link.tried_at is None or link.tried_at <= now - _COMPARED_WITHIN:
        link.tries_under_way = 0  # their processes are gone; what they had counted stays
    if link.wrong_tries < MAX_TRIES:
        link.wrong_tries += 1
        link.tries_under_way += 1
        link.tried_at = now
        return True
    _lock_when_used_up(link, now)
    return False


def _lock_when_used_up(link: HealthLink, now: datetime) -> None:
    """One that is still being compared may turn out right: the count is final when there is none."""
    if link.wrong_tries >= MAX_TRIES and link.tries_under_way == 0:
        link.locked_at = link.locked_at or now


def give_manifest(
    session: Session,
    link_id: str,
    recipient: LinkRecipient,
    now: datetime,
    *,
    embedded_max: int | None,
    location_holds: timedelta,
) -> tuple[HealthLink, list[GivenFile]]:
    """After the passcode. Raises LinkNotFound."""
    link = _lock_active(session, link_id, now)
    longest = EMBEDDED_DEFAULT_BYTES if embedded_max is None else embedded_max
    length = func.length(HealthLinkFile.jwe)
    query = select(HealthLinkFile.position, HealthLinkFile.content_type, HealthLinkFile.updated_at, length)
    files = session.execute(query.where(HealthLinkFile.link_id == link_id).order_by(HealthLinkFile.position)).all()
    if not files:
        raise LinkNotFound  # its time was over while this waited for its lock, and its files went
    given = []
    for position, content_type, updated_at, size in files:
        if size <= longest:
            given.append(GivenFile(content_type, updated_at, embedded=_read_file(session, link_id, position)))
        else:
            token = _make_location(session, link_id, position, recipient, now + location_holds)
            given.append(GivenFile(content_type, updated_at, token=token))
    note_fetch(session, link_id, FetchKind.MANIFEST, recipient, now)
    return link, given


def take_location(session: Session, token: str, network: str | None, now: datetime) -> TakenFile:
    """For the first who comes with it in time. Raises LinkNotFound."""
    token_hash = hash_token(token)
    link_id = session.scalar(select(HealthLinkLocation.link_id).where(HealthLinkLocation.token_hash == token_hash))
    if link_id is None:
        raise LinkNotFound
    # Before the location, as whoever replaces files, ends a link or erases it does: the other way is a deadlock.
    link = _lock_active(session, link_id, now)
    in_time = HealthLinkLocation.token_hash == token_hash, HealthLinkLocation.expires_at > now
    columns = (HealthLinkLocation.position, HealthLinkLocation.recipient)
    location = session.execute(delete(HealthLinkLocation).where(*in_time).returning(*columns)).one_or_none()
    if location is None:
        raise LinkNotFound
    jwe = _read_file(session, link.id, location.position)
    note_fetch(session, link.id, FetchKind.FILE, LinkRecipient(location.recipient, network), now)
    return TakenFile(link.patient_uuid, link.id, jwe)


def take_direct(session: Session, link_id: str, recipient: LinkRecipient, now: datetime) -> TakenFile:
    """The one file of a link without a passcode (flag `U`). Raises LinkNotFound, for any other link, too."""
    link = _lock_active(session, link_id, now)
    files = session.scalars(select(HealthLinkFile.jwe).where(HealthLinkFile.link_id == link_id).limit(2)).all()
    if link.passcode_hash is not None or len(files) != 1:
        raise LinkNotFound
    note_fetch(session, link_id, FetchKind.DIRECT, recipient, now)
    return TakenFile(link.patient_uuid, link_id, files[0])


def note_fetch(session: Session, link_id: str, kind: FetchKind, recipient: LinkRecipient, now: datetime) -> None:
    session.add(
        HealthLinkFetch(
            id=uuid4(), link_id=link_id, kind=kind, recipient=recipient.name, network=recipient.network, at=now
        )
    )


def name_for_log(link_id: str) -> str:
    """What stands for a link in the access log: its address is told to nobody by it."""
    return hash_token(link_id)[:32]


def _lock_active(session: Session, link_id: str, now: datetime) -> HealthLink:
    """Shared with others who open it, while nobody replaces its files or ends it. Raises LinkNotFound."""
    query = select(HealthLink).where(HealthLink.id == link_id, is_active(now))
    link = session.scalar(query.with_for_update(read=True, of=HealthLink))
    if link is None:
        raise LinkNotFound
    return link


def _read_file(session: Session, link_id: str, position: int) -> str:
    query = select(HealthLinkFile.jwe).where(HealthLinkFile.link_id == link_id, HealthLinkFile.position == position)
    jwe: str = session.execute(query).scalar_one()
    return jwe


def _make_location(session: Session, link_id: str, position: int, recipient: LinkRecipient, until: datetime) -> str:
    """Only a hash of the token is kept."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    place = {"link_id": link_id, "position": position, "recipient": recipient.name, "expires_at": until}
    session.add(HealthLinkLocation(token_hash=hash_token(token), **place))
    return token
