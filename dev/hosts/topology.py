"""Which hosts there are, at which addresses, and what runs on each: data alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from types import MappingProxyType

from dev.hosts.errors import HostsError

NAMESPACES = IPv4Network("10.77.0.0/24")
LOOPBACK_ADDRESSES = IPv4Network("127.77.0.0/24")
# Of the bridge, where the people outside come in.
GATEWAY_NUMBER = 1


class HostRole(StrEnum):
    """What a host is for."""

    PROVIDERS = "providers"
    POSTGRES = "postgres"
    VALKEY = "valkey"
    RABBITMQ = "rabbitmq"
    WORKER = "worker"
    WEB = "web"
    PROXY = "proxy"
    OBJECTS = "objects"


PRODUCT_ROLES = (HostRole.WORKER, HostRole.WEB)

SERVICES: Mapping[HostRole, tuple[str, ...]] = MappingProxyType(
    {
        HostRole.PROVIDERS: ("sandbox",),
        HostRole.POSTGRES: ("postgres",),
        HostRole.VALKEY: ("valkey", "sentinel"),
        HostRole.RABBITMQ: ("epmd", "rabbitmq"),
        HostRole.WORKER: ("worker", "interviews", "poller", "sweeper"),
        HostRole.WEB: ("web",),
        HostRole.PROXY: ("haproxy",),
        HostRole.OBJECTS: ("objects",),
    }
)
_SIZES: Mapping[HostRole, int] = MappingProxyType(
    {
        HostRole.PROVIDERS: 1,
        HostRole.POSTGRES: 2,
        HostRole.VALKEY: 3,
        HostRole.RABBITMQ: 3,
        HostRole.WORKER: 2,
        HostRole.WEB: 2,
        HostRole.PROXY: 1,
        HostRole.OBJECTS: 1,
    }
)
# What one host alone runs beside what all of its role do.
_ON_ONE_HOST: Mapping[str, tuple[str, ...]] = MappingProxyType({"worker-1": ("beat", "flower")})


@dataclass(frozen=True, slots=True)
class Host:
    """One machine of the data centre. `services` are in the order of their start."""

    name: str
    role: HostRole
    number: int
    address: str
    services: tuple[str, ...]


@dataclass(frozen=True)
class Topology:
    """All hosts, by role in the order of their start."""

    network: IPv4Network
    hosts: tuple[Host, ...]

    @property
    def gateway(self) -> str:
        return str(self.network[GATEWAY_NUMBER])

    def find(self, name: str) -> Host:
        """Raises HostsError, which names those that exist."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise HostsError(f"there is no host {name}; there are {', '.join(host.name for host in self.hosts)}")

    def running(self, service: str) -> Host:
        """The first host that runs it. Raises HostsError for what nobody runs."""
        for host in self.hosts:
            if service in host.services:
                return host
        raise HostsError(f"no host runs {service}")

    def of(self, role: HostRole) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.role == role)


def lay_out(network: IPv4Network, *, without: frozenset[HostRole] = frozenset()) -> Topology:
    """Each role has ten addresses of the network, a /24: the second host of the third role is .32."""
    hosts = (
        _host(network, role, place, number)
        for place, role in enumerate(HostRole, start=1)
        if role not in without
        for number in range(1, _SIZES[role] + 1)
    )
    return Topology(network, tuple(hosts))


def _host(network: IPv4Network, role: HostRole, place: int, number: int) -> Host:
    name = f"{role}-{number}"
    services = SERVICES[role] + _ON_ONE_HOST.get(name, ())
    return Host(name, role, number, str(network[10 * place + number]), services)
