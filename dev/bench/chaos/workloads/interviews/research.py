"""The company of the workload: its projects, their members with a login each, and what the stores hold at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt

from core.clock import clock
from core.names import project_subject
from core.settings import Settings
from dev.bench.chaos.stream_ends import find_behind
from models.accounts import AccountKind, AccountRole, Scope
from models.interviews import ProjectMember, ProjectRole
from services.accounts.accounts import add_account, find_or_add_company
from services.accounts.logins import open_login
from services.delivery.event_log import read_epoch
from services.interviews.operators import NewProject, add_project
from services.stores import Stores, build_stores

_ENDS = "select id::text, event_seq from welno.projects where event_seq > 0"


@dataclass(frozen=True)
class MemberLogin:
    """Editor of one project. What is under test is not the exchange of tokens: this one outlasts the run."""

    account_id: UUID
    project_id: str
    token: str = field(repr=False)


class WorkloadCompany:
    """Made and looked at past the proxies, by the product's own services. `close` it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._settings = Settings.read(dict(env))
        self._stores: Stores = build_stores(self._settings, clock, lambda _: True)

    def add_projects(self, count: int) -> list[str]:
        with self._stores.unit_of_work() as work:
            company_id = find_or_add_company(work.session, "시연리서치")
            new = [NewProject(name=f"시연 프로젝트 {number}") for number in range(count)]
            return [str(add_project(work.session, company_id, one)) for one in new]

    def add_member(self, project_id: str) -> MemberLogin:
        name = uuid4().hex
        with self._stores.unit_of_work() as work:
            company_id = find_or_add_company(work.session, "시연리서치")
            account_id = add_account(
                work.session,
                AccountKind.MEMBER,
                f"{name}@chaos.test",
                name,
                "no hash",
                AccountRole.MEMBER,
                company_id=company_id,
            )
            row = ProjectMember(project_id=UUID(project_id), account_id=account_id, role=ProjectRole.EDITOR)
            work.session.add(row)
            sid = open_login(work.session, AccountKind.MEMBER, account_id, Scope.INTERVIEWS)
        return MemberLogin(account_id, project_id, self._token(account_id, sid))

    def read_first_place(self) -> str:
        """Before the first event of every project."""
        with self._stores.unit_of_work() as work:
            return f"{read_epoch(work.session)}:0"

    def read_ends(self) -> dict[str, int]:
        """The number of the last event of each project that has one."""
        with self._stores.engine.connect() as connection:
            return {row[0]: row[1] for row in connection.exec_driver_sql(_ENDS)}

    def find_behind(self) -> list[str]:
        ends = {project_subject(UUID(project_id)): seq for project_id, seq in self.read_ends().items()}
        return find_behind(self._stores, ends)

    def close(self) -> None:
        self._stores.close()

    def _token(self, account_id: UUID, sid: UUID) -> str:
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "iss": "welno",
            "aud": "welno",
            "sub": str(account_id),
            "role": str(AccountRole.MEMBER),
            "scope": str(Scope.INTERVIEWS),
            "sid": str(sid),
            "jti": str(uuid4()),
            "type": "access",
            "fresh": False,
            "iat": now,
            "nbf": now,
            "exp": now + timedelta(days=2),
        }
        return jwt.encode(claims, self._settings.secrets.jwt_secret, algorithm="HS256")
