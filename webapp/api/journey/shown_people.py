"""What the hospital's staff are shown of people is logged with their account: nobody is named there, and who is asked
about by a name or an id stands under a pseudonym."""

from collections.abc import Iterable

from core.logs import get_logger
from webapp.auth.journey_callers import JourneyCaller
from webapp.limits import pseudonym

log = get_logger(__name__)


def note_shown(caller: JourneyCaller, what: str, count: int, asked_about: Iterable[object] = ()) -> None:
    """`asked_about`: ids of whom, or of which entry or resource, was asked for. Nothing of what patients see of
    themselves."""
    if caller.is_staff:
        people = [pseudonym(str(one)) for one in asked_about]
        log.info("people_shown", by=str(caller.principal_id), what=what, count=count, people=people)
