"""What is wrong with the network at the moment: a decision table, which a network carries out."""

from dataclasses import dataclass, replace

Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Slowness:
    """By how much packets are late, or, where the kernel cannot delay, how few bits a second pass."""

    delay_ms: int = 200
    rate_kbit: int = 256


@dataclass(frozen=True)
class NetworkFaults:
    """Names of hosts. A link is one way: what the first sends never reaches the second."""

    cut_hosts: frozenset[str] = frozenset()
    cut_links: frozenset[Link] = frozenset()
    slow_hosts: frozenset[str] = frozenset()

    def cut(self, host: str, other: str | None = None, *, one_way: bool = False) -> "NetworkFaults":
        """The host from everybody, or the link between two of them."""
        if other is None:
            return replace(self, cut_hosts=self.cut_hosts | {host})
        links = {(host, other)} if one_way else {(host, other), (other, host)}
        return replace(self, cut_links=self.cut_links | links)

    def slow(self, host: str) -> "NetworkFaults":
        return replace(self, slow_hosts=self.slow_hosts | {host})

    def heal(self, host: str, other: str | None = None) -> "NetworkFaults":
        """The host with all its links, or the link between two in both ways."""
        if other is not None:
            return replace(self, cut_links=self.cut_links - {(host, other), (other, host)})
        links = frozenset(link for link in self.cut_links if host not in link)
        return NetworkFaults(self.cut_hosts - {host}, links, self.slow_hosts - {host})

    def describe(self, host: str) -> str:
        """For the table; empty when nothing is wrong with it."""
        words = ["cut"] if host in self.cut_hosts else []
        words += ["slow"] if host in self.slow_hosts else []
        words += [f"does not reach {other}" for one, other in sorted(self.cut_links) if one == host]
        return ", ".join(words)
