"""A node of a real RabbitMQ with its management API, where Debian's package is installed."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dev.local.errors import StartFailedError
from dev.local.ports import LOOPBACK
from dev.local.process import Process, User

NO_RABBITMQ = "there is no RabbitMQ: install Debian's package rabbitmq-server"
# The one on the PATH of Debian's package becomes the user of the system's own server.
_PROGRAMS = "/usr/lib/rabbitmq/bin"
_NOBODY = 65_534
_START_SECONDS, _CONTROL_SECONDS = 90, 60


def find_rabbitmq() -> str | None:
    """The path of its server; None where it is not installed."""
    return shutil.which("rabbitmq-server", path=_PROGRAMS)


@dataclass(frozen=True, slots=True)
class RabbitMQAddress:
    """Where a node listens: for clients, its management API, other nodes, and whoever asks where nodes are (epmd)."""

    port: int
    management_port: int
    dist_port: int
    epmd_port: int
    host: str = LOOPBACK

    @property
    def node_name(self) -> str:
        """Of several nodes at one address each has a port of its own."""
        return f"welno{self.port}@{'localhost' if self.host == LOOPBACK else self.host}"


@dataclass(frozen=True)
class RabbitMQ:
    """`process` may be killed and started again."""

    address: RabbitMQAddress
    login: str
    process: Process

    @property
    def url(self) -> str:
        return f"amqp://{self.login}@{self.address.host}:{self.address.port}//"

    @property
    def name(self) -> str:
        """Of its node."""
        return self.address.node_name

    @property
    def api(self) -> str:
        """As Flower's `broker_api` wants it."""
        return f"http://{self.login}@{self.address.host}:{self.address.management_port}/api/"

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.api}{path}", timeout=10, trust_env=False).raise_for_status().json()

    def put(self, path: str, body: dict[str, Any]) -> None:
        httpx.put(f"{self.api}{path}", json=body, timeout=10, trust_env=False).raise_for_status()

    def control(self, program: str, *words: str) -> None:
        """Of its own programs one that acts on this node, from the network of the calling thread. What fails, or lasts
        for more than a minute, raises StartFailedError."""
        node = (f"{_PROGRAMS}/{program}", "-n", self.name, *words)
        log = self.process.log.with_name(f"{program}.log")
        step = Process(program, node, log, env=self.process.env, cwd=self.process.cwd, user=self.process.user)
        step.start()
        try:
            ended = step.wait_end(_CONTROL_SECONDS)
        finally:
            step.kill()
        if not ended or step.exit_code != 0:
            raise StartFailedError(f"{program} {words[0]} ended with {step.exit_code}\n{step.log_tail()}")

    def wait_ready(self) -> None:
        """Raises StartFailedError."""
        self.process.wait_until(self.answers, _START_SECONDS)

    def answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return bool(self.get("health/checks/virtual-hosts")["status"] == "ok")
        return False


def make_epmd(folder: Path, address: RabbitMQAddress) -> Process:
    """Which tells the nodes of a host where each of them listens."""
    return Process("epmd", ["epmd"], folder / "epmd.log", env=_epmd_environment(address), user=_user())


def make_node(
    folder: Path, address: RabbitMQAddress, all_nodes: Sequence[RabbitMQAddress], *, login: str, cookie: str
) -> RabbitMQ:
    """In a folder that may hold what it had before; the folder above is opened for its user. `login`: user:password."""
    folder.mkdir(exist_ok=True)
    _configure(folder, address, [one.node_name for one in all_nodes], login)
    secret = folder / ".erlang.cookie"
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(cookie)
    secret.chmod(0o400)
    user = _user()
    if user is not None:
        folder.parent.chmod(0o711)
        for path in (folder, *folder.iterdir()):
            os.chown(path, user.uid, user.gid)
    env = _epmd_environment(address) | _environment(folder, address)
    program = find_rabbitmq() or "rabbitmq-server"
    log = folder.parent / f"{address.port}.log"
    return RabbitMQ(address, login, Process("rabbitmq", [program], log, env=env, cwd=folder, user=user))


def _user() -> User | None:
    return User(_NOBODY, _NOBODY, pass_closed_folders=False) if os.geteuid() == 0 else None


def _epmd_environment(address: RabbitMQAddress) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "ERL_EPMD_ADDRESS": address.host, "ERL_EPMD_PORT": str(address.epmd_port)}


def _environment(folder: Path, address: RabbitMQAddress) -> dict[str, str]:
    interface = "{" + address.host.replace(".", ",") + "}"
    return {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": address.node_name,
        # A name with dots is a long one.
        "RABBITMQ_USE_LONGNAME": str("." in address.node_name).lower(),
        "RABBITMQ_DIST_PORT": str(address.dist_port),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        # It is the process that was started, and no child of a shell that would outlive a test run that is killed.
        "RUNNING_UNDER_SYSTEMD": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {interface} +S 1:1 +sbwt none",
    }


def _configure(folder: Path, address: RabbitMQAddress, node_names: Sequence[str], login: str) -> None:
    user, _, password = login.partition(":")
    lines = [
        f"listeners.tcp.1 = {address.host}:{address.port}",
        f"management.tcp.ip = {address.host}",
        f"management.tcp.port = {address.management_port}",
        f"default_user = {user}",
        f"default_pass = {password}",
        "disk_free_limit.absolute = 50MB",
        "collect_statistics_interval = 1000",
        "cluster_formation.peer_discovery_backend = classic_config",
        *(f"cluster_formation.classic_config.nodes.{n} = {name}" for n, name in enumerate(node_names, start=1)),
    ]
    config = folder / "rabbitmq.conf"
    config.touch(mode=0o600)
    config.write_text("\n".join(lines) + "\n")
    (folder / "plugins").write_text("[rabbitmq_management].\n")
    (folder / "env.conf").touch()
