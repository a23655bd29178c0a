"""The whole product on one machine as one object: for `make run`, the end-to-end tests, the benches and the chaos."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from dev.local.demo import seed_command
from dev.local.errors import LocalError, StartFailedError
from dev.local.health import answers
from dev.local.home import make_home
from dev.local.postgres import EmbeddedPostgres
from dev.local.process import Process
from dev.local.programs import ORDER, ROOT, Ports, Program, list_programs, migrations_command
from dev.local.restarts import Restarts
from dev.local.secrets import demo_environment
from dev.local.stopping import check_stop, wants_to_go_at_once
from dev.local.valkey import EmbeddedValkey

SERVERS = ("postgres", "valkey")
_START_SECONDS = 120.0
_REMIND_SECONDS = 10.0
# Together under the 10 s in which everything has to be gone.
_STOP_PROGRAMS_SECONDS, _STOP_SANDBOX_SECONDS, _STOP_VALKEY_SECONDS, _STOP_POSTGRES_SECONDS = 5.0, 1.0, 1.0, 1.5
_LOOK_AGAIN_SECONDS = 0.1
_WAITS_FOR_CALLS = b"waits_for_calls_under_way"
_TO_THE_GROUP = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT)


def _say_nothing(_: str) -> None:
    pass


class Stack:
    """Enter it to start everything, leave it to stop everything. Names: postgres, valkey and those of `programs`.

    Use it from one thread that outlives it: the kernel ends the children when the thread that started them ends.
    `tend` brings back what has died; without it, what was killed stays dead until `start` or `restart`.
    """

    def __init__(
        self,
        home: Path,
        ports: Ports | None = None,
        env_overrides: Mapping[str, str] | None = None,
        processes: Sequence[str] = ORDER,
        *,
        programs: Mapping[str, Program] | None = None,
        migrations: Sequence[str] | None = None,
        fast: bool = False,
        tell: Callable[[str], None] = _say_nothing,
    ) -> None:
        self.home = make_home(home)
        self.ports = ports or Ports.picked()
        known = list_programs(self.home, self.ports) if programs is None else dict(programs)
        self.programs: dict[str, Program] = {name: known[name] for name in processes}
        self.env: dict[str, str] = {}
        self.postgres = EmbeddedPostgres(self.home, self.ports.postgres, fast=fast)
        self.valkey = EmbeddedValkey(self.home, self.ports.valkey)
        self._env_overrides = dict(env_overrides or {})
        self._migrations = migrations_command() if migrations is None else tuple(migrations)
        self._tell = tell
        self._processes: dict[str, Process] = {}
        self._restarts: dict[str, Restarts] = {}
        self._log_marks: dict[str, int] = {}

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.web}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.sandbox}"

    @property
    def flower_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.flower}"

    def __enter__(self) -> Self:
        try:
            self.start_all()
        except BaseException:
            self.stop_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start_all(self) -> None:
        """Returns when everything truly answers. Raises LocalError."""
        self.ports.require_free()
        self.start_servers()
        self._tell("migrations: bringing the database's tables up to date")
        self.run(self._migrations, "migrations")
        if self.env.get("WELNO_DEMO") == "true":
            self._tell("demo: making what is missing of the demo hospital")
            self.run(seed_command(self.home), "demo")
        self._tell(f"starting {', '.join(self.programs)} (some seconds)")
        for name in self.programs:
            self.start(name)
        self.wait_ready()

    def start_servers(self) -> None:
        """PostgreSQL and Valkey only; from then on `env` is complete."""
        first = " (first start: creating its data folder, some seconds)" if self.postgres.is_new else ""
        self._tell(f"postgres: starting{first}")
        self.start("postgres")
        self._tell("valkey: starting")
        self.start("valkey")
        self.env = {
            **demo_environment(
                self.home,
                database_url=self.postgres.url,
                redis_url=self.valkey.url,
                sandbox_port=self.ports.sandbox,
                web_port=self.ports.web,
                flower_port=self.ports.flower,
            ),
            **self._env_overrides,
        }

    def run(self, command: Sequence[str], name: str, timeout_seconds: float = 300, *, code: Path = ROOT) -> None:
        """A command that has to end well, with the environment of the others. Raises StartFailedError."""
        step = Process(name, command, self._log_of(name), env=self.env, cwd=code)
        step.start()
        try:
            if step.wait_end(timeout_seconds) and step.exit_code == 0:
                return
        finally:
            step.kill()
        raise StartFailedError(f"{name} ended with {step.exit_code}\n{step.log_tail()}")

    def add(self, program: Program) -> None:
        """One more process, such as a second worker; `start` starts it."""
        self.programs[program.name] = program

    def start(self, name: str) -> None:
        """A server returns when it answers; a program at once (see `wait_ready`)."""
        if name in SERVERS:
            self._server(name).start()
        elif name not in self._processes or not self._processes[name].is_running:
            program = self.programs[name]
            process = Process(name, program.command, self._log_of(name), env=self.env, cwd=program.code)
            process.start()
            self._processes[name] = process
        self._restarts.setdefault(name, Restarts()).note_start(time.monotonic())

    def stop(self, name: str) -> None:
        """In good order, and `tend` leaves it alone until it is started again."""
        self._restarts.pop(name, None)
        if name in SERVERS:
            self._server(name).stop()
        elif name in self._processes:
            self._processes[name].stop()

    def kill(self, name: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """SIGKILL, SIGSTOP and SIGCONT reach the process with its children; others the process alone."""
        process = self._process(name)
        if sig == signal.SIGKILL:
            process.kill()
        elif sig in _TO_THE_GROUP:
            process.send_to_group(sig)
        else:
            process.send(sig)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def pid(self, name: str) -> int | None:
        return self._process(name).pid

    def exit_code(self, name: str) -> int | None:
        """None while it runs; -9 after SIGKILL."""
        return self._process(name).exit_code

    def log_tail(self, name: str, lines: int = 15) -> str:
        """The last lines of its log."""
        return self._process(name).log_tail(lines)

    def is_running(self, name: str) -> bool:
        return self._process(name).is_running

    def wait_ready(self, timeout_seconds: float = _START_SECONDS) -> None:
        """Until every program that has an address answers 200. Raises StartFailedError, naming the one at fault."""
        deadline, remind_at = time.monotonic() + timeout_seconds, time.monotonic() + _REMIND_SECONDS
        waiting = [program for program in self.programs.values() if program.health_url]
        while waiting := [program for program in waiting if not answers(program.health_url or "")]:
            check_stop()
            self._require_running()
            names = ", ".join(program.name for program in waiting)
            if time.monotonic() > deadline:
                raise StartFailedError(f"no answer yet from {names}\n{self._process(waiting[0].name).log_tail()}")
            if time.monotonic() > remind_at:
                self._tell(f"still waiting for {names}")
                remind_at += _REMIND_SECONDS
            self._process(waiting[0].name).wait(0.1)
        self._require_running()

    def tend(self) -> None:
        """One round: name what has died, start again what is due. Call it often, from the thread that started all."""
        now = time.monotonic()
        for name, restarts in list(self._restarts.items()):
            if restarts.is_due(now):
                self._bring_back(name)
            elif restarts.due_at is None and not self.is_running(name):
                code, delay = self._process(name).exit_code, restarts.note_death(now)
                self._tell(f"{name} ended unexpectedly ({code}); starting it again in {delay:g} s")

    def stop_all(self) -> None:
        """Those who use the others first. Within 10 s, but for calls under way that may be paid for: these are let end,
        unless somebody asks a second time."""
        if self._restarts:  # else nothing was started, as where a port was taken
            self._tell("stopping")
        self._restarts.clear()
        self._log_marks = {name: process.log.stat().st_size for name, process in self._processes.items()}
        sandbox = self._processes.pop("sandbox", None)
        stop_together(list(self._processes.values()), _STOP_PROGRAMS_SECONDS, self._is_waiting_for_calls)
        stop_together([sandbox] if sandbox else [], _STOP_SANDBOX_SECONDS)
        self._processes.clear()
        self.valkey.stop(_STOP_VALKEY_SECONDS)
        self.postgres.stop(_STOP_POSTGRES_SECONDS)

    def kill_all(self) -> None:
        """At once and without order, for a home that nobody needs any more."""
        self._restarts.clear()
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        self.valkey.kill()
        self.postgres.stop(_STOP_POSTGRES_SECONDS, immediate=True)

    def _is_waiting_for_calls(self, process: Process) -> bool:
        """Whether it says so, as it does when it is told to stop while a call is under way."""
        if process.name in self._log_marks and not process.wait(0):
            said = process.log.read_bytes()[self._log_marks[process.name] :]
            if _WAITS_FOR_CALLS not in said:
                return False
            del self._log_marks[process.name]
            self._tell(f"{process.name} waits for calls under way that may be paid for; Ctrl-C again ends it at once")
        return process.name not in self._log_marks and not wants_to_go_at_once()

    def _bring_back(self, name: str) -> None:
        try:
            self.start(name)
        except LocalError as exc:
            self._restarts[name].note_death(time.monotonic())
            self._tell(f"{name} does not start: {exc}")

    def _require_running(self) -> None:
        for name in self.programs:
            process = self._process(name)
            if not process.is_running:
                raise StartFailedError(f"{name} ended with {process.exit_code}\n{process.log_tail()}")

    def _server(self, name: str) -> EmbeddedPostgres | EmbeddedValkey:
        return self.postgres if name == "postgres" else self.valkey

    def _process(self, name: str) -> Process:
        return self._server(name).process if name in SERVERS else self._processes[name]

    def _log_of(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"


def stop_together(
    processes: Sequence[Process], seconds: float, may_go_on: Callable[[Process], bool] = lambda _: False
) -> None:
    """All are asked at once and share the time; what is left of their groups is killed, but for what may go on."""
    for process in processes:
        process.send(process.stop_signal)
    deadline = time.monotonic() + seconds
    for process in processes:
        process.wait(deadline - time.monotonic())
    for process in processes:
        while may_go_on(process) and not process.wait(_LOOK_AGAIN_SECONDS):
            pass
        process.kill()
