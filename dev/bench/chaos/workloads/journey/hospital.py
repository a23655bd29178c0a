"""The hospital of the workload: its exams, its people with a login each, and what its stores hold at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson

from core.clock import clock
from core.names import patient_subject, queue_subject
from core.settings import Settings
from dev.bench.chaos.stream_ends import find_behind
from dev.local.programs import ROOT
from models.accounts import AccountKind, AccountRole, Scope
from services.accounts.accounts import add_account
from services.accounts.logins import open_login
from services.delivery.unit_of_work import TaskCall
from services.journey.demo import DemoSecrets, seed_hospital
from services.journey.health import HealthReport, check_health
from services.journey.people import NewUser
from services.stores import Stores, build_stores

_CONTENT = ROOT / "dev" / "sandbox" / "hospital.json"
TOKEN_LIFE = timedelta(days=2)
TAG_CODE = "demo-entrance-7f3a9c21e5b84d06"
EXAMS = ("EX-BLOOD", "EX-XRAY", "EX-US", "EX-DOC", "EX-LOAD")
_BORN = date(1940, 1, 1)
# Of a subject without a hole: as many events as its counter says, and the last of them under that number.
_HOLES = """
    with ends as (
        select 'patient' as kind, 'patient:' || user_id as subject, event_seq from welno.patient_states
        union all select 'queue', 'queue:' || queue_id, event_seq from welno.queues
    )
    select ends.subject from ends left join (
        select kind, subject, count(*) as events, count(distinct seq) as numbers, max(seq) as last
        from welno.welno_events where kind in ('patient', 'queue') group by kind, subject
    ) told using (kind, subject)
    where ends.event_seq > 0
        and (told.last is distinct from ends.event_seq or told.events <> told.last or told.numbers <> told.last)
"""
_ENDS = "select user_id, event_seq from welno.patient_states where event_seq > 0"
_QUEUE_ENDS = "select queue_id, event_seq from welno.queues where event_seq > 0"


@dataclass(frozen=True)
class ActorLogin:
    """Whose token it is. `principal_id` is a user's or a staff's."""

    principal_id: UUID
    token: str = field(repr=False)


class WorkloadHospital:
    """Made and looked at past the proxies, by the product's own services."""

    def __init__(self, env: Mapping[str, str], send: Callable[[TaskCall], bool] = lambda _: True) -> None:
        self._settings = Settings.read(dict(env))
        self.stores: Stores = build_stores(self._settings, clock, send)

    def furnish(self) -> None:
        content = orjson.loads(_CONTENT.read_bytes())
        with self.stores.unit_of_work() as work:
            seed_hospital(work.session, content, DemoSecrets(lambda: "no hash", uuid4().hex))

    def add_patient(self, number: int) -> ActorLogin:
        person = NewUser(f"시연{number:04}", f"0107{number:07}", _BORN + timedelta(days=number))
        with self.stores.unit_of_work() as work:
            user_id = self.stores.people.add(work.session, person).user_id
            sid = open_login(work.session, "patient", user_id, Scope.JOURNEY)
        return ActorLogin(user_id, self._token(user_id, sid, "patient"))

    def add_staff(self, number: int) -> ActorLogin:
        login, name = f"chaos-{number}", f"시연 직원 {number}"
        with self.stores.unit_of_work() as work:
            staff_id = add_account(work.session, AccountKind.STAFF, login, name, "no hash", AccountRole.STAFF)
            sid = open_login(work.session, AccountKind.STAFF, staff_id, Scope.JOURNEY)
        return ActorLogin(staff_id, self._token(staff_id, sid, AccountRole.STAFF))

    def check(self) -> HealthReport:
        return self.stores.journeys.run(check_health)

    def find_holes(self) -> list[str]:
        """Subjects whose log is not complete."""
        with self.stores.engine.connect() as connection:
            return [row[0] for row in connection.exec_driver_sql(_HOLES)]

    def find_behind(self) -> list[str]:
        with self.stores.engine.connect() as connection:
            ends = {patient_subject(key): seq for key, seq in connection.exec_driver_sql(_ENDS)}
            ends |= {queue_subject(key): seq for key, seq in connection.exec_driver_sql(_QUEUE_ENDS)}
        return find_behind(self.stores, ends)

    def close(self) -> None:
        self.stores.close()

    def _token(self, principal_id: UUID, sid: UUID, role: str) -> str:
        claims = {"role": str(role), "scope": str(Scope.JOURNEY), "sid": str(sid)}
        return sign_token(self._settings.secrets.jwt_secret, principal_id, claims)


def sign_token(secret: str, principal_id: UUID, claims: Mapping[str, Any]) -> str:
    """An access token for longer than a run takes: what is under test is not the exchange of tokens."""
    now = datetime.now(UTC)
    common = {"iss": "welno", "aud": "welno", "sub": str(principal_id), "jti": str(uuid4())}
    times = {"iat": now, "nbf": now, "exp": now + TOKEN_LIFE}
    return jwt.encode({**common, **times, "type": "access", "fresh": False, **claims}, secret, algorithm="HS256")
