"""The hosts' network: a namespace for each, joined by a pair of veth devices to one bridge, with its faults."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from dev.hosts.errors import HostsError
from dev.hosts.faults import NetworkFaults, Slowness
from dev.hosts.namespaces import Namespace, leave_network, make_namespace, open_current
from dev.hosts.queueing import clear_queue, describe_queue, describe_slowness
from dev.hosts.topology import Host, Topology

_BRIDGE, _DEVICE = "hosts", "eth0"
# No host has it: the bridge floods what is sent to it, and each host drops it. So a packet is lost without a word,
# where a route that refuses would tell the sender at once.
_UNUSED_MAC = "02:00:00:00:00:01"


class NamespaceNetwork:
    """Made by the supervisor before it has a second thread; from then on that one is at the bridge."""

    description = "each host is a network namespace"
    freezes_cut_hosts = False

    def __init__(self, topology: Topology) -> None:
        """Raises OSError, HostsError."""
        self.topology = topology
        self.faults = NetworkFaults()
        leave_network()
        self._bridge = open_current()
        self._namespaces = {host.name: make_namespace() for host in topology.hosts}
        self._can_delay: bool | None = None
        self._connect_hosts()

    def close(self) -> None:
        for namespace in (self._bridge, *self._namespaces.values()):
            namespace.close()

    def entered(self, host: Host) -> AbstractContextManager[None]:
        """What is opened and started in the block is on that host."""
        return self._namespaces[host.name].entered()

    def namespace(self, host: Host) -> Namespace | None:
        return self._namespaces[host.name]

    @property
    def bridge(self) -> Namespace | None:
        """Where all hosts are reached from."""
        return self._bridge

    def cut(self, host: Host, other: Host | None = None, *, one_way: bool = False) -> str:
        """A host: as with its link down. A link: what one sends to the other is lost."""
        self._change(self.faults.cut(host.name, other.name if other else None, one_way=one_way))
        return "cut"

    def slow(self, host: Host, slowness: Slowness, other: Host | None = None) -> str:
        """A host's link with everybody, or with one other. Says how, as not every kernel can delay packets."""
        if self._can_delay is None:
            self._can_delay = self._try_netem(host)
        self._change(self.faults.slow(host.name, slowness, other.name if other else None))
        return describe_slowness(slowness, can_delay=self._can_delay)

    def heal(self, host: Host, other: Host | None = None) -> None:
        self._change(self.faults.heal(host.name, other.name if other else None))

    def _change(self, wanted: NetworkFaults) -> None:
        before = self.faults
        self._queue(before, wanted)
        self.faults = wanted
        for name in wanted.cut_hosts - before.cut_hosts:
            self._bridge.run("ip", f"link set {name} down")
        for name in before.cut_hosts - wanted.cut_hosts:
            self._bridge.run("ip", f"link set {name} up")
        for one, other in wanted.cut_links - before.cut_links:
            address = self.topology.find(other).address
            lost = f"neighbour replace {address} lladdr {_UNUSED_MAC} nud permanent dev {_DEVICE}"
            self._namespaces[one].run("ip", lost)
        for one, other in before.cut_links - wanted.cut_links:
            address = self.topology.find(other).address
            self._namespaces[one].run("ip", f"neighbour delete {address} dev {_DEVICE}")

    def _queue(self, before: NetworkFaults, wanted: NetworkFaults) -> None:
        """What a host sends waits on its own device, what all send to a slow host on the bridge's."""
        for host in self.topology.hosts:
            inside = self._namespaces[host.name]
            self._replace(inside, self._describe_inside(host, before), self._describe_inside(host, wanted), _DEVICE)
            self._replace(
                self._bridge, self._describe_outside(host, before), self._describe_outside(host, wanted), host.name
            )

    def _replace(self, namespace: Namespace, before: Sequence[str], wanted: Sequence[str], device: str) -> None:
        if before != wanted:
            namespace.run("tc", *([clear_queue(device)] if before else []), *wanted)

    def _describe_inside(self, host: Host, faults: NetworkFaults) -> tuple[str, ...]:
        links = {self.topology.find(other).address: how for other, how in faults.slowed_from(host.name).items()}
        return describe_queue(_DEVICE, faults.slow_hosts.get(host.name), links, can_delay=bool(self._can_delay))

    def _describe_outside(self, host: Host, faults: NetworkFaults) -> tuple[str, ...]:
        return describe_queue(host.name, faults.slow_hosts.get(host.name), {}, can_delay=bool(self._can_delay))

    def _try_netem(self, host: Host) -> bool:
        """On the loopback device of a host that is to be slow anyway."""
        try:
            self._namespaces[host.name].run("tc", "qdisc add dev lo root netem delay 1ms", clear_queue("lo"))
        except HostsError:
            return False
        return True

    def _connect_hosts(self) -> None:
        width = self.topology.network.prefixlen
        self._bridge.run(
            "ip",
            "link set lo up",
            f"link add name {_BRIDGE} type bridge",
            f"address add {self.topology.gateway}/{width} dev {_BRIDGE}",
            f"link set {_BRIDGE} up",
        )
        for host in self.topology.hosts:
            inside = self._namespaces[host.name]
            self._bridge.run(
                "ip",
                f"link add name {host.name} type veth peer name {_DEVICE}",
                f"link set {_DEVICE} netns {inside.path}",
                f"link set {host.name} master {_BRIDGE} up",
                given=[inside],
            )
            inside.run(
                "ip", "link set lo up", f"address add {host.address}/{width} dev {_DEVICE}", f"link set {_DEVICE} up"
            )


class LoopbackNetwork:
    """Where there are no namespaces: an address of 127.0.0.0/8 for each host, and no link between them to be cut."""

    bridge: Namespace | None = None
    freezes_cut_hosts = True

    def __init__(self, topology: Topology, obstacle: str) -> None:
        self.topology = topology
        self.faults = NetworkFaults()
        self.description = (
            f"{obstacle}: each host is an address of this machine's loopback instead; `cut` freezes its processes, and "
            "single links cannot be cut, nor slowed"
        )

    def close(self) -> None:
        pass

    def namespace(self, _host: Host) -> Namespace | None:
        return None

    @contextmanager
    def entered(self, _host: Host) -> Iterator[None]:
        yield

    def cut(self, host: Host, other: Host | None = None, *, one_way: bool = False) -> str:
        """The supervisor freezes its processes. Raises HostsError for a link."""
        if other is not None or one_way:
            raise HostsError("on loopback there is no link to cut; cut or kill one of the hosts")
        self.faults = self.faults.cut(host.name)
        return "its processes are frozen"

    def slow(self, _host: Host, _slowness: Slowness, _other: Host | None = None) -> str:
        """Raises HostsError."""
        raise HostsError("on loopback nothing can be slowed")

    def heal(self, host: Host, other: Host | None = None) -> None:
        self.faults = self.faults.heal(host.name, other.name if other else None)


Network = NamespaceNetwork | LoopbackNetwork
