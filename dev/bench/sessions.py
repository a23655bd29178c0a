"""Collection sessions for a bench to work on, begun by the product's own service."""

from collections.abc import Iterable
from datetime import date

from core.clock import clock
from models.patients import ConsentKind
from services.collection.sessions import Started, start_session
from services.delivery.unit_of_work import Work
from services.patients.identity import Identity
from services.stores import Stores


def invent_identity(phone_no: str) -> Identity:
    """The same invented person under any number."""
    return Identity(
        user_name="김하늘", phone_no=phone_no, birthdate=date(1984, 5, 17), gender="M", private_auth_type="0"
    )


def begin_sessions(stores: Stores, phone_numbers: Iterable[str]) -> list[Started]:
    """All in one transaction."""
    with stores.unit_of_work() as work:
        return [_begin(stores, work, invent_identity(phone_no)) for phone_no in phone_numbers]


def _begin(stores: Stores, work: Work, identity: Identity) -> Started:
    now = clock.now()
    return start_session(
        work,
        identity,
        redirect_path=None,
        lifetime=stores.session_lifetime,
        sealer=stores.sealer,
        given=stores.consents.agree(identity, list(ConsentKind), wants_report=True, now=now),
        now=now,
        request_id="bench",
    )
