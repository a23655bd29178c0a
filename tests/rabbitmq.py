"""A real RabbitMQ with its management API, where Debian's is installed; elsewhere its tests are skipped, loudly."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process, User

NO_RABBITMQ = "there is no RabbitMQ: install Debian's package rabbitmq-server"
# The one on the PATH of Debian's package becomes the user of the system's own server.
_PROGRAMS = "/usr/lib/rabbitmq/bin"
_NOBODY = 65_534
_USER, _PASSWORD = "welno", "only-on-loopback"
_START_SECONDS = 90


@dataclass(frozen=True)
class RabbitMQ:
    """`process` may be killed and started again."""

    port: int
    management_port: int
    process: Process

    @property
    def url(self) -> str:
        return f"amqp://{_USER}:{_PASSWORD}@{LOOPBACK}:{self.port}//"

    @property
    def name(self) -> str:
        """Of its node."""
        return _node_name(self.port)

    @property
    def api(self) -> str:
        """As Flower's `broker_api` wants it."""
        return f"http://{_USER}:{_PASSWORD}@{LOOPBACK}:{self.management_port}/api/"

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.api}{path}", timeout=10).raise_for_status().json()

    def put(self, path: str, body: dict[str, Any]) -> None:
        httpx.put(f"{self.api}{path}", json=body, timeout=10).raise_for_status()

    def wait_ready(self) -> None:
        self.process.wait_until(self._answers, _START_SECONDS)

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return bool(self.get("health/checks/virtual-hosts")["status"] == "ok")
        return False


def find_rabbitmq() -> str:
    """Its path; CI fails where there is none."""
    found = shutil.which("rabbitmq-server", path=_PROGRAMS)
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(NO_RABBITMQ)
    pytest.skip(NO_RABBITMQ)


@contextmanager
def run_rabbitmq() -> Iterator[RabbitMQ]:
    """One node."""
    with run_cluster(1) as nodes:
        yield nodes[0]


@contextmanager
def run_cluster(size: int) -> Iterator[list[RabbitMQ]]:
    """On loopback, with an epmd, node names and folders of their own."""
    find_rabbitmq()
    with tempfile.TemporaryDirectory(prefix="welno-test-") as name, ExitStack() as stack:
        folder, epmd_port, cookie = Path(name), pick_port(), secrets.token_hex(16)
        ports = [pick_port() for _ in range(size)]
        epmd = Process("epmd", ["epmd"], folder / "epmd.log", env=_epmd_environment(epmd_port), user=_user())
        stack.callback(epmd.kill)
        epmd.start()
        nodes = [_make_node(folder / str(port), port, ports, epmd_port, cookie) for port in ports]
        for node in nodes:
            stack.callback(node.process.kill)
            # One after another: each joins the first.
            node.process.start()
            node.wait_ready()
        yield nodes


def _user() -> User | None:
    return User(_NOBODY, _NOBODY, pass_closed_folders=False) if os.geteuid() == 0 else None


def _make_node(folder: Path, port: int, ports: list[int], epmd_port: int, cookie: str) -> RabbitMQ:
    management_port = pick_port()
    folder.mkdir()
    _configure(folder, port, management_port, ports)
    (folder / ".erlang.cookie").write_text(cookie)
    (folder / ".erlang.cookie").chmod(0o400)
    user = _user()
    if user is not None:
        folder.parent.chmod(0o711)
        for path in (folder, *folder.iterdir()):
            os.chown(path, user.uid, user.gid)
    env = _epmd_environment(epmd_port) | _environment(folder, port)
    process = Process("rabbitmq", [find_rabbitmq()], folder.parent / f"{port}.log", env=env, cwd=folder, user=user)
    return RabbitMQ(port, management_port, process)


def _epmd_environment(epmd_port: int) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "ERL_EPMD_ADDRESS": LOOPBACK, "ERL_EPMD_PORT": str(epmd_port)}


def _node_name(port: int) -> str:
    return f"welno{port}@localhost"


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": _node_name(port),
        "RABBITMQ_DIST_PORT": str(pick_port()),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        # It is the process that was started, and no child of a shell that would outlive a test run that is killed.
        "RUNNING_UNDER_SYSTEMD": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
    }


def _configure(folder: Path, port: int, management_port: int, ports: list[int]) -> None:
    lines = [
        f"listeners.tcp.1 = {LOOPBACK}:{port}",
        f"management.tcp.ip = {LOOPBACK}",
        f"management.tcp.port = {management_port}",
        f"default_user = {_USER}",
        f"default_pass = {_PASSWORD}",
        "disk_free_limit.absolute = 50MB",
        "collect_statistics_interval = 1000",
        "cluster_formation.peer_discovery_backend = classic_config",
        *(f"cluster_formation.classic_config.nodes.{n} = {_node_name(one)}" for n, one in enumerate(ports, start=1)),
    ]
    (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
    (folder / "plugins").write_text("[rabbitmq_management].\n")
    (folder / "env.conf").touch()
