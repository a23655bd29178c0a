"""The company of the bench: a project with interviews, and members who are signed in, by the product's own code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.settings import Settings
from models.accounts import AccountKind, AccountRole, Scope
from models.interviews import Interview, ProjectMember, ProjectRole
from services.accounts.accounts import add_account, find_or_add_company
from services.accounts.logins import open_login
from services.interviews.changing import delete_interview, restore_interview
from services.interviews.operators import NewProject, add_project
from services.interviews.utterance_index import index_utterances
from services.stores import Stores
from webapp import create_app
from webapp.api.interviews.stream import READERS_OF_ACCOUNT
from webapp.auth.member_tokens import make_member_pair, new_refresh_id
from webapp.current import parts

_KEEP_DAYS = 30
# As a finished analysis leaves them, in one statement: what was uploaded before the bench is not worth a call each.
_FILL = text("""
    with made as (
        insert into welno.interviews (id, company_id, project_id, title, masked_text, source, status, created_by,
            created_at, interview_date, key_takeaways, cleaned_script)
        select gen_random_uuid(), :company, :project, '인터뷰 ' || i, repeat('결제가 느려요. ', 100), 'text',
            'completed', :account, now() - i * interval '1 minute', current_date, '["결제가 느리다"]', '[]'
        from generate_series(1, :count) i returning id, project_id
    )
    insert into welno.interview_runs (interview_id, project_id, step, state, due_at)
    select id, project_id, 'save', 'ended', now() from made
""")


@dataclass(frozen=True)
class SignedInMember:
    account_id: UUID
    token: str = field(repr=False)

    @property
    def header(self) -> str:
        return f"Authorization: Bearer {self.token}\r\n"


class BenchCompany:
    """`close` it."""

    def __init__(self, env: Mapping[str, str], *, interviews: int) -> None:
        self._app: Flask = create_app(Settings.read(dict(env)))
        self.stores: Stores = parts(self._app).stores
        self._is_deleted = False
        self.company_id, self.project_id = self._found()
        self.editor = self.add_members(1)[0]
        self.fill(self.project_id, interviews)

    def add_project(self) -> UUID:
        """Nobody is in it."""
        with self.stores.unit_of_work() as work:
            return add_project(work.session, self.company_id, NewProject(name="벤치 프로젝트"))

    def add_members(self, count: int) -> list[SignedInMember]:
        with self.stores.unit_of_work() as work, self._app.app_context():
            return [self._add_member(work.session) for _ in range(count)]

    def add_readers(self, count: int) -> list[SignedInMember]:
        """As many tokens as readers, of no more accounts than it takes."""
        accounts = self.add_members(-(-count // READERS_OF_ACCOUNT))
        return [accounts[number // READERS_OF_ACCOUNT] for number in range(count)]

    def join(self, project_id: UUID) -> None:
        """The editor becomes its admin."""
        row = ProjectMember(project_id=project_id, account_id=self.editor.account_id, role=ProjectRole.ADMIN)
        with self.stores.unit_of_work() as work:
            work.session.add(row)

    def settle(self) -> None:
        """As PostgreSQL would have done by itself after a while."""
        with self.stores.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze welno.interviews, welno.utterances"))

    def fill(self, project_id: UUID, count: int) -> None:
        said = {"company": self.company_id, "project": project_id, "account": self.editor.account_id, "count": count}
        with self.stores.unit_of_work() as work:
            work.session.execute(_FILL, said)

    def fill_scripts(self, project_id: UUID, scripts: Sequence[list[dict[str, object]]]) -> None:
        """As many finished interviews as scripts, each found by what was said in it."""
        self.fill(project_id, len(scripts))
        with self.stores.unit_of_work() as work:
            ids = work.session.scalars(select(Interview.id).where(Interview.project_id == project_id)).all()
        for interview_id, script in zip(ids, scripts, strict=True):
            with self.stores.unit_of_work() as work:
                interview = work.session.get_one(Interview, interview_id)
                interview.cleaned_script = script
                work.session.flush()
                index_utterances(work.session, interview)

    def change_one(self) -> None:
        """An event that every reader gets: one interview is deleted, or restored."""
        account_id = self.editor.account_id
        with self.stores.member_work(account_id) as member:
            if self._is_deleted:
                restore_interview(member, self._changed_id, _KEEP_DAYS)
            else:
                delete_interview(member, self._changed_id)
        self._is_deleted = not self._is_deleted

    def choose_one(self) -> None:
        with self.stores.unit_of_work() as work:
            query = text("select id from welno.interviews where project_id = :project limit 1")
            self._changed_id: UUID = work.session.execute(query, {"project": self.project_id}).scalar_one()
        self._is_deleted = False

    def close(self) -> None:
        parts(self._app).close()

    def _found(self) -> tuple[UUID, UUID]:
        with self.stores.unit_of_work() as work:
            company_id = find_or_add_company(work.session, "벤치리서치")
            return company_id, add_project(work.session, company_id, NewProject(name="벤치 프로젝트"))

    def _add_member(self, session: Session) -> SignedInMember:
        name = uuid4().hex
        account_id = add_account(
            session,
            AccountKind.MEMBER,
            f"{name}@bench.test",
            name,
            "none",
            AccountRole.MEMBER,
            company_id=self.company_id,
        )
        session.add(ProjectMember(project_id=self.project_id, account_id=account_id, role=ProjectRole.ADMIN))
        refresh_id = new_refresh_id()
        sid = open_login(
            session, kind=AccountKind.MEMBER, principal_id=account_id, scope=Scope.INTERVIEWS, refresh_id=refresh_id
        )
        return SignedInMember(account_id, make_member_pair(account_id, sid, refresh_id).access_token)
