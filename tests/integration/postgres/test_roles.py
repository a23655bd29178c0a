"""The product's login takes the roles of the interviews on, and inherits none of them."""

import pytest

from tests.integration.commands import Ended, run_command

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
