"""Logging in with four digits of a phone number and a birth date: whoever is meant, their login, their arrival.

What this proves is little, so it opens the journey alone, and no health record. Errors: SimpleLoginError (not
retryable) > NobodyFits, SeveralFit.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from models.accounts import Scope
from models.journey import JourneyAction, JourneyRole, JourneyState, JourneyUser
from services.accounts.logins import open_login
from services.advisory_locks import lock_name
from services.journey.actions import perform_action
from services.journey.actors import JourneyActor
from services.journey.bodies import Body
from services.journey.locking import lock_journey
from services.journey.people import NewUser, UserDirectory, has_name
from services.journey.reading import read_snapshot
from services.journey.scan_tokens import claim_scan_token
from services.journey.work import JourneyWork

LOGIN_KIND = "patient"


class SimpleLoginError(Exception):
    """Nobody is logged in."""

    retryable = False


class NobodyFits(SimpleLoginError):
    """Unknown, or something does not fit; not said what."""


class SeveralFit(SimpleLoginError):
    """More must be said of who it is."""


@dataclass(frozen=True)
class ScannedTag:
    """A scan token that holds, to be claimed by who logs in."""

    token_id: UUID
    tag_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class LoginWish:
    """What was typed. `phone` is the whole number in digits, where it was given; `refresh_id` is to be the refresh
    token's id."""

    phone_last4: str = field(repr=False)
    birth_date: date = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    device_id: str | None = None
    scan: ScannedTag | None = None
    refresh_id: str = field(repr=False)


@dataclass(frozen=True)
class LoggedIn:
    """Who it is, their login, and where they are now."""

    user: JourneyUser
    sid: UUID
    snapshot: Body


def log_in(journey: JourneyWork, people: UserDirectory, wish: LoginWish) -> LoggedIn:
    """All or nothing: the person, the login, the scan token's claim, the arrival.

    Raises NobodyFits, SeveralFit, ScanTokenTaken, and what the arrival raises.
    """
    user = _find_user(journey, people, wish)
    sid = open_login(
        journey.session,
        LOGIN_KIND,
        user.user_id,
        Scope.JOURNEY,
        refresh_id=wish.refresh_id,
        device_id=wish.device_id,
    )
    actor = JourneyActor(JourneyRole.PATIENT, user.user_id, sid)
    if wish.scan is not None:
        scan = wish.scan
        claim_scan_token(journey.session, scan.token_id, user.user_id, now=journey.now, expires_at=scan.expires_at)
        journey.claimed_tag = scan.tag_id
    locked = lock_journey(journey, user.user_id)
    locked.row.is_logged_in, locked.row.login_method = True, "simple"
    if wish.scan is not None and locked.state == JourneyState.UNREGISTERED:
        perform_action(journey, user.user_id, JourneyAction.SCAN_NFC, {"tag_id": wish.scan.tag_id}, actor)
    if locked.state == JourneyState.ARRIVED:
        perform_action(journey, user.user_id, JourneyAction.REGISTER, {}, actor)
    journey.session.flush()
    return LoggedIn(user, sid, read_snapshot(journey, user.user_id, JourneyRole.PATIENT))


def _find_user(journey: JourneyWork, people: UserDirectory, wish: LoginWish) -> JourneyUser:
    found = _find_fitting(journey, people, wish)
    if found is not None:
        return found
    if not journey.settings.allows_self_registration or wish.name is None or wish.phone is None:
        raise NobodyFits
    # Of two first logins at once the second finds whom the first has added.
    lock_name(journey.session, people.hash_login(wish.phone_last4, wish.birth_date))
    new_user = NewUser(wish.name, wish.phone, wish.birth_date)
    return _find_fitting(journey, people, wish) or people.add(journey.session, new_user)


def _find_fitting(journey: JourneyWork, people: UserDirectory, wish: LoginWish) -> JourneyUser | None:
    """Raises SeveralFit."""
    found = people.find_by_login(journey.session, wish.phone_last4, wish.birth_date)
    if wish.phone is not None:
        phone_hash = people.hash_phone(wish.phone)
        found = [user for user in found if user.phone_hash == phone_hash]
    if wish.name is not None:
        found = [user for user in found if has_name(user, wish.name)]
    if len(found) > 1:
        raise SeveralFit
    return found[0] if found else None
