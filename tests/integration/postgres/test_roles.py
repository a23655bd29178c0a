"""The product's login takes the roles of the interviews on, and inherits none of them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from services.database import connect_database, find_unsuitable
from tests.integration.commands import Ended, run_command
from tests.unit.guards.test_names import ENVIRONMENT

from .production import LOGIN, PASSWORD, Server, running_server

ROLES = ("welno_member", "welno_analyst", "welno_searcher")


def migrate(server: Server) -> Ended:
    return run_command("alembic", "upgrade", "head", env={"DATABASE_URL": server.url})


def may(server: Server, what: str) -> set[str]:
    """Of which roles the login has this privilege."""
    query = "select pg_has_role(:login, :role, :what)"
    return {role for role in ROLES if server.rows(query, login=LOGIN, role=role, what=what)[0][0]}


def add_login(server: Server, rights: str = "") -> None:
    server.execute(f"create role {LOGIN} login {rights} password '{PASSWORD}'; alter database welno owner to {LOGIN}")


def test_a_login_that_makes_the_roles_inherits_none():
    with running_server() as server:
        add_login(server, "createrole")
        done = migrate(server)
        assert done.status == 0, done.errors
        assert (may(server, "set"), may(server, "usage")) == (set(ROLES), set())


@pytest.mark.parametrize("role", ROLES)
def test_a_login_that_was_given_one_to_inherit_is_told_what_an_administrator_does(role: str):
    with running_server() as server:
        add_login(server)
        for one in ROLES:
            server.execute(f"create role {one} nologin; grant {one} to {LOGIN} with inherit {one == role}")
        stopped = migrate(server)
        assert stopped.status != 0
        assert f"this login inherits the role {role}" in stopped.errors
        _, _, hint = stopped.errors.partition("HINT:  as an administrator: ")
        server.execute(hint.partition("\n")[0])
        assert migrate(server).status == 0
        assert (may(server, "set"), may(server, "usage")) == (set(ROLES), set())


STARTED = {
    "web": ("gunicorn", "-c", "webapp/gunicorn_conf.py", "--bind", "127.0.0.1:0", "webapp:create_app()"),
    "worker": ("celery", "-A", "tasks.app", "worker", "-Q", "files", "--concurrency", "1"),
    "poller": ("tasks.processes.poller",),
    "sweeper": ("tasks.processes.sweeper",),
    "a command": ("tasks.runs", "list"),
}
APP = "app"


def url_of_app(server: Server) -> str:
    return make_url(server.url).set(username=APP).render_as_string(hide_password=False)


def refusal_of_app(server: Server) -> str | None:
    """Of a start with a login of the processes alone."""
    engine = connect_database(url_of_app(server), pool_size=1)
    reason = find_unsuitable(engine)
    engine.dispose()
    return reason


@pytest.fixture(scope="module")
def migrated() -> Iterator[Server]:
    """By a login that has made the roles; the processes' own is another one, which inherits nothing yet."""
    with running_server() as server:
        add_login(server, "createrole")
        done = migrate(server)
        assert done.status == 0, done.errors
        server.execute(f"create role {APP} login password '{PASSWORD}'; create role staff")
        yield server


@pytest.fixture
def granted(migrated: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    migrated.execute("; ".join(request.param))
    yield migrated
    migrated.execute(f"drop role {APP}, staff; create role {APP} login password '{PASSWORD}'; create role staff")


@pytest.mark.parametrize(
    "granted",
    [
        *([f"grant {role} to {APP}"] for role in ROLES),
        [f"set local role {LOGIN}", f"grant welno_searcher to {APP}"],
        ["grant welno_searcher to staff", f"grant staff to {APP}"],
        [f"grant welno_member to {APP} with inherit false", f"grant welno_searcher to {APP}"],
    ],
    ids=[*ROLES, "by the login that migrates", "through another role", "one of two"],
    indirect=True,
)
def test_a_login_of_the_processes_that_inherits_one_is_refused_with_what_an_administrator_does(granted: Server):
    refused = refusal_of_app(granted) or ""
    before, _, undo = refused.partition("; as an administrator: ")
    assert before.startswith("this login inherits roles of the interviews")
    granted.execute(undo)
    assert refusal_of_app(granted) is None


@pytest.mark.parametrize(
    "granted",
    [
        ["select 1"],
        [f"grant {', '.join(ROLES)} to {APP} with inherit false"],
        [f"alter role {APP} superuser", f"grant welno_searcher to {APP}"],
        ["grant welno_searcher to staff", f"grant staff to {APP} with inherit false"],
    ],
    ids=["none granted", "taken on only", "a superuser", "of a role that is taken on"],
    indirect=True,
)
def test_a_login_of_the_processes_that_inherits_none_suits(granted: Server):
    assert refusal_of_app(granted) is None


@pytest.mark.parametrize("granted", [[f"grant welno_searcher to {APP}"]], indirect=True)
def test_no_process_starts_with_a_login_that_inherits_one(granted: Server):
    env = ENVIRONMENT | {"DATABASE_URL": url_of_app(granted)}
    ended = {name: run_command(*command, env=env) for name, command in STARTED.items()}
    # Beside gevent's and Celery's own warnings.
    told = {name: (one.status, one.errors.splitlines()[-1]) for name, one in ended.items()}
    assert told == dict.fromkeys(STARTED, (1, f"settings: DATABASE_URL: {refusal_of_app(granted)}"))
