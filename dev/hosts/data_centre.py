"""All hosts with what runs on them, from the start to the end, and what is done to them meanwhile."""

import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dev.hosts.errors import HostsError
from dev.hosts.faults import Slowness
from dev.hosts.forwarder import Forwarder, listen
from dev.hosts.haproxy import ADMIN_SOCKET, Behind, HaproxyAdmin, haproxy_service
from dev.hosts.machine import Machine
from dev.hosts.network import Network
from dev.hosts.objects import PORT as OBJECTS_PORT
from dev.hosts.objects import RECORD, bucket_settings, objects_service
from dev.hosts.product import BLUE, FLOWER_PORT, GREEN_WEB_PORT, WEB_PORT, Release, Surroundings, product_services
from dev.hosts.rollout import Rollout
from dev.hosts.service import Service
from dev.hosts.stores import HostStores
from dev.hosts.topology import PRODUCT_ROLES, Host, HostRole
from dev.local.demo import DEMO_SETTINGS, seed_command
from dev.local.errors import LocalError, StartFailedError
from dev.local.faketime import WallClocks
from dev.local.ports import LOOPBACK
from dev.local.process import Process
from dev.local.programs import ROOT, migrations_command
from dev.local.secrets import demo_environment

_STEP_SECONDS = 300
_STORES = (HostRole.POSTGRES, HostRole.VALKEY, HostRole.RABBITMQ, HostRole.OBJECTS)


@dataclass(frozen=True)
class Contents:
    """What runs on the hosts: nothing with `network_only`; a demo, or the product with an empty database. `settings`
    are the product's; with `clocks` the hosts of its processes can have other wall clocks than the machine's."""

    network_only: bool = False
    is_demo: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    clocks: WallClocks | None = None


class Entrances(NamedTuple):
    """Listening sockets, in the network of whoever comes in by them."""

    site: socket.socket
    sandbox: socket.socket
    flower: socket.socket


class DataCentre:
    """Laid out anew at each start."""

    def __init__(
        self,
        home: Path,
        network: Network,
        entrances: Entrances,
        tell: Callable[[str], None],
        contents: Contents,
    ) -> None:
        self.network, self._home, self._tell, self._contents = network, home, tell, contents
        self._entrances = entrances
        self._sandbox_port: int = entrances.sandbox.getsockname()[1]
        self._forwarders: list[Forwarder] = []
        shutil.rmtree(home / "hosts", ignore_errors=True)
        self._stores = HostStores(home, network.topology)
        self.machines = {host.name: Machine(host, self._services(host), network) for host in network.topology.hosts}
        self._rollout = self._make_rollout()

    @property
    def site(self) -> str:
        return f"http://{LOOPBACK}:{self._entrances.site.getsockname()[1]}"

    @property
    def sandbox(self) -> str:
        return f"http://{LOOPBACK}:{self._sandbox_port}"

    @property
    def flower(self) -> str:
        return f"http://{LOOPBACK}:{self._entrances.flower.getsockname()[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Of every process of the product, wherever it runs. What the caller has set as WELNO_* wins."""
        stores = self._stores
        own = demo_environment(
            self._home,
            database_url=stores.database_url,
            redis_url=stores.redis_url,
            sandbox_port=self._sandbox_port,
            web_port=self._entrances.site.getsockname()[1],
            flower_port=self._entrances.flower.getsockname()[1],
        )
        # haproxy asks for Flower's health under its host's address.
        origins = f"{own['WELNO_FLOWER_ORIGINS']},http://{self._flower_host.address}:{FLOWER_PORT}"
        behind = {"WELNO_TRUSTED_PROXIES": "1"} if self.network.topology.of(HostRole.PROXY) else {}
        files = bucket_settings(f"http://{self._objects_address}:{OBJECTS_PORT}")
        more = {
            "DATABASE_REPLICA_URL": stores.replica_url,
            "CELERY_BROKER_URL": stores.broker_url,
            "WELNO_FLOWER_ORIGINS": origins,
        }
        if stores.broker_api is not None:
            more["FLOWER_BROKER_API"] = stores.broker_api
        demo = DEMO_SETTINGS if self._contents.is_demo else {}
        return {**behind, **own, **demo, **files, **more, **self._contents.settings}

    @property
    def stores(self) -> HostStores:
        return self._stores

    @property
    def record_of_objects(self) -> Path:
        """See `read_record`."""
        [objects] = self.network.topology.of(HostRole.OBJECTS)
        return self._home / "hosts" / objects.name / RECORD

    @property
    def _flower_host(self) -> Host:
        return self.network.topology.running("flower")

    @property
    def _objects_address(self) -> str:
        """Where the product finds the object store: a forwarder of its own host, or the host itself."""
        [objects] = self.network.topology.of(HostRole.OBJECTS)
        return LOOPBACK if self.network.namespace(objects) else objects.address

    def start(self) -> None:
        """Returns when the site answers. Raises LocalError, StopRequested."""
        self._start_forwarders()
        if self._contents.network_only:
            for machine in self.machines.values():
                machine.start()
            return
        self._start_stores()
        self.start_product()

    def open(self) -> None:
        """The stores alone, with their tables, until `start_product`. Raises LocalError, StopRequested."""
        self._start_forwarders()
        self._start_stores()

    def _start_stores(self) -> None:
        stores = [machine for machine in self.machines.values() if machine.host.role in _STORES]
        for machine in stores:
            self._tell(f"{machine.host.name}: starting {', '.join(machine.host.services)}")
            machine.start()
        for machine in stores:
            machine.wait()
        self._prepare()

    def start_product(self) -> None:
        """Returns when the site answers. Raises LocalError, StopRequested."""
        others = [machine for machine in self.machines.values() if machine.host.role not in _STORES]
        self._tell(f"starting {', '.join(machine.host.name for machine in others)}")
        for machine in others:
            machine.start()
        for machine in others:
            machine.wait()

    def stop(self) -> None:
        """At once: what is there is laid out anew by the next start."""
        for machine in reversed(self.machines.values()):
            machine.kill()
        for forwarder in self._forwarders:
            forwarder.close()
        for entrance in self._entrances:
            entrance.close()
        self.network.close()

    def tend(self) -> list[str]:
        """Has what died started again; gives it as host and service."""
        died: list[str] = []
        for name, machine in self.machines.items():
            is_frozen = self.network.freezes_cut_hosts and name in self.network.faults.cut_hosts
            if not is_frozen:
                died += [f"{name} {service}" for service in machine.tend(self._tell)]
        return died

    def cut(self, name: str, other: str | None = None, *, one_way: bool = False) -> str:
        """All of these answer with a sentence for the person, and raise HostsError where there is no such host."""
        host, far = self._find(name), self._find(other) if other else None
        said = self.network.cut(host, far, one_way=one_way)
        if self.network.freezes_cut_hosts:
            self.machines[name].freeze()
        arrow = "->" if one_way else "-"
        return f"{name}{f' {arrow} {other}' if other else ''}: {said}"

    def slow(self, name: str, slowness: Slowness, other: str | None = None) -> str:
        said = self.network.slow(self._find(name), slowness, self._find(other) if other else None)
        return f"{name}{f' - {other}' if other else ''}: {said}"

    def kill(self, name: str) -> str:
        """Its link first, so that nobody hears of the death of its processes by their connections' ends."""
        self.network.cut(self._find(name))
        self.machines[name].kill()
        return f"{name}: killed, as with its power cut"

    def wipe(self, name: str) -> None:
        """Of a host that was killed: its disk, but for its logs. Raises HostsError, StartFailedError."""
        host = self._find(name)
        shutil.rmtree(self._disk_of(host), ignore_errors=True)
        self._stores.wipe(host)

    def heal(self, name: str | None = None, other: str | None = None) -> str:
        """A link; a host, which is started where it was killed; or, without a name, everything. Raises LocalError."""
        if other is not None and name is not None:
            hosts = [self._find(name), self._find(other)]
            stopped = self._stop_stale_primary(hosts)
            self.network.heal(*hosts)
            return f"{name} - {other}: healed{self._switch_on_all(stopped, stopped)}"
        hosts = [self._find(name)] if name else list(self.network.topology.hosts)
        for host in hosts:
            self.machines[host.name].thaw()
        stopped = self._stop_stale_primary(hosts)
        for host in hosts:
            self.network.heal(host)
        return f"{name or 'everything'}: healed{self._switch_on_all(hosts, stopped)}"

    def switch_on(self, name: str) -> None:
        """Heal a host of the product without waiting until it answers, for which it may need hosts that are away: see
        `answers`. Raises LocalError."""
        host, machine = self._find(name), self.machines[name]
        machine.thaw()
        self.network.heal(host)
        machine.start()

    def answers(self, name: str) -> bool:
        return self.machines[name].answers()

    def _stop_stale_primary(self, hosts: Sequence[Host]) -> list[Host]:
        """Before they are reached again: until then only who is cut off together with such a primary writes to it."""
        return [host for host in hosts if self._stores.stop_stale_primary(host)]

    def _switch_on_all(self, hosts: Sequence[Host], stopped: Sequence[Host]) -> str:
        """What was more than switching on. Raises LocalError."""
        failed = self._switch_on_each(hosts)
        if failed and len(failed) < len(hosts):  # they may have waited for those that came after them
            failed = self._switch_on_each([self._find(name) for name in failed])
        if failed:
            raise HostsError("; ".join(map(str, failed.values())))
        names = ", ".join(host.name for host in stopped)
        return f"; PostgreSQL on {names} was left behind, and is its successor's standby now" if names else ""

    def _switch_on_each(self, hosts: Sequence[Host]) -> dict[str, LocalError]:
        """What kept whom from starting."""
        return {host.name: exc for host in hosts if (exc := self._switch_on(host)) is not None}

    def _switch_on(self, host: Host) -> LocalError | None:
        """What kept it from starting: the others are started all the same, and `tend` tries this one again."""
        machine = self.machines[host.name]
        if machine.is_whole:
            return None
        try:
            machine.start()
            machine.wait()
        except LocalError as exc:
            return exc
        return None

    @property
    def rollout(self) -> Rollout:
        """Raises HostsError where no haproxy chooses between releases."""
        if self._rollout is None:
            raise HostsError("without haproxy nobody chooses between two releases")
        return self._rollout

    def status(self) -> str:
        """The table of what runs where."""
        rows = [("host", "address", "state", "runs")]
        for machine in self.machines.values():
            host = machine.host
            state = self.network.faults.describe(host.name) if machine.is_on else "killed"
            rows.append((host.name, host.address, state or "up", machine.describe()))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])) for row in rows
        ]
        return "\n".join(lines)

    def locate_namespace(self, name: str) -> dict[str, int | None]:
        """How another process of the same user enters the host: the descriptor of its namespace in this one."""
        namespace = self.network.namespace(self._find(name))
        return {"pid": os.getpid(), "descriptor": None if namespace is None else namespace.descriptor}

    def _make_rollout(self) -> Rollout | None:
        proxies = self.network.topology.of(HostRole.PROXY)
        if not proxies:
            return None
        machines = [machine for machine in self.machines.values() if machine.host.role in PRODUCT_ROLES]
        admin = HaproxyAdmin(self._home / "hosts" / proxies[0].name / ADMIN_SOCKET)
        return Rollout(machines, self._product_services, admin)

    def _find(self, name: str) -> Host:
        return self.network.topology.find(name)

    def _services(self, host: Host) -> list[Service]:
        if self._contents.network_only:
            return []
        folder = self._home / "hosts" / host.name
        if host.role is HostRole.OBJECTS:
            return [objects_service(folder, host)]
        if host.role in _STORES:
            return self._stores.services(host)
        topology = self.network.topology
        if host.role is HostRole.PROXY:
            behind = Behind(topology.of(HostRole.WEB), WEB_PORT, GREEN_WEB_PORT, self._flower_host, FLOWER_PORT)
            return [haproxy_service(folder, host, behind)]
        return self._product_services(host, host.services, BLUE)

    def _product_services(self, host: Host, names: Sequence[str], release: Release) -> list[Service]:
        # The sandbox takes commands from its own loopback only.
        sandbox = (LOOPBACK if self.network.namespace(host) else host.address, self._sandbox_port)
        around = Surroundings(self._home, sandbox, lambda: self._environment_of(host))
        return product_services(host, names, around, release)

    def _environment_of(self, host: Host) -> Mapping[str, str]:
        """With a folder and a clock of its own."""
        own = {"TILKO_DATA_DIR": str(self._disk_of(host))}
        clocks = self._contents.clocks
        if clocks is not None and host.role in PRODUCT_ROLES:
            own |= clocks.settings(host.name)
        return self.environment | own

    def _disk_of(self, host: Host) -> Path:
        return self._home / "hosts" / host.name / "tilko_data"

    def _start_forwarders(self) -> None:
        """From the person's network to the site, the sandbox and Flower, and from each host's loopback to the hosts of
        the sandbox and of the object store: the product speaks plain HTTP on the same machine only."""
        topology, network = self.network.topology, self.network
        [providers] = topology.of(HostRole.PROVIDERS)
        sandbox = (providers.address, self._sandbox_port)
        proxies = topology.of(HostRole.PROXY)
        site, flower = (proxies or topology.of(HostRole.WEB))[0], (proxies or (self._flower_host,))[0]
        self._forwarders = [
            Forwarder(self._entrances.site, (site.address, WEB_PORT), network.bridge),
            Forwarder(self._entrances.sandbox, sandbox, network.bridge),
            Forwarder(self._entrances.flower, (flower.address, FLOWER_PORT), network.bridge),
        ]
        loopback = (LOOPBACK, self._sandbox_port)
        self._add_forwarder(providers, sandbox, loopback)
        [objects] = topology.of(HostRole.OBJECTS)
        for host in (host for host in topology.hosts if host.role in PRODUCT_ROLES):
            self._add_forwarder(host, loopback, sandbox)
            self._add_forwarder(host, (LOOPBACK, OBJECTS_PORT), (objects.address, OBJECTS_PORT))
        for forwarder in self._forwarders:
            forwarder.start()

    def _add_forwarder(self, host: Host, address: tuple[str, int], target: tuple[str, int]) -> None:
        """Both of them on that host's network; none where all hosts share one."""
        namespace = self.network.namespace(host)
        if namespace is None:
            return
        with namespace.entered():
            listener = listen(*address)
        self._forwarders.append(Forwarder(listener, target, namespace))

    def _prepare(self) -> None:
        """The schema and the demo hospital, from the first worker's host."""
        self._tell("migrations and the demo hospital")
        with self.network.entered(self.network.topology.of(HostRole.WORKER)[0]):
            self._run("migrations", migrations_command())
            if self._contents.is_demo:
                self._run("demo", seed_command(self._home))

    def _run(self, name: str, command: tuple[str, ...]) -> None:
        step = Process(name, command, self._home / "hosts" / f"{name}.log", env=self.environment, cwd=ROOT)
        step.start()
        try:
            if step.wait_end(_STEP_SECONDS) and step.exit_code == 0:
                return
        finally:
            step.kill()
        raise StartFailedError(f"{name} ended with {step.exit_code}\n{step.log_tail()}")
