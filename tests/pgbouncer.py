"""A real PgBouncer in transaction mode, where Debian's is installed; elsewhere its tests are skipped, loudly."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import URL, make_url

from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process, User

NO_PGBOUNCER = "there is no PgBouncer: install Debian's package pgbouncer"
_NOBODY = 65_534


def find_pgbouncer() -> str:
    """Its path; CI fails where there is none."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(NO_PGBOUNCER)
    pytest.skip(NO_PGBOUNCER)


@contextmanager
def run_pgbouncer(folder: Path, server: URL, *, ignore: str = "", pool_mode: str = "transaction") -> Iterator[str]:
    """Gives the address of the same database behind it."""
    port = pick_port()
    options = {
        "listen_addr": LOOPBACK,
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": pool_mode,
        "ignore_startup_parameters": ignore,
    }
    database = f"host={server.host} port={server.port} dbname={server.database} user={server.username}"
    lines = ["[databases]", f"{server.database} = {database} password={server.password}", "[pgbouncer]"]
    settings = folder / "pgbouncer.ini"
    settings.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in options.items())]) + "\n")
    settings.chmod(0o644)
    # It refuses to be root.
    user = User(_NOBODY, _NOBODY, pass_closed_folders=True) if os.geteuid() == 0 else None
    process = Process("pgbouncer", [find_pgbouncer(), str(settings)], folder / "pgbouncer.log", user=user)
    url = server.set(port=port).render_as_string(hide_password=False)
    process.start()
    try:
        process.wait_until(lambda: _answers(server.set(port=port)), 20)
        yield url
    finally:
        process.kill()


def _answers(url: URL) -> bool:
    try:
        psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)).close()
    except psycopg2.OperationalError:
        return False
    return True
