"""The operators' command, as somebody runs it who was woken."""

from sqlalchemy import make_url

from core.settings.addresses import read_database_url
from tests.integration.commands import Ended, run_command
from tests.postgres_pair import PostgresPair


def failover(pair: PostgresPair, *arguments: str, login: str | None = None) -> Ended:
    """`login`: as a role of that name, whose password is `invented`."""
    url = make_url(read_database_url(pair.url))
    given = url if login is None else url.set(username=login, password="invented")
    return run_command("tasks.failover", *arguments, env={"DATABASE_URL": given.render_as_string(hide_password=False)})
