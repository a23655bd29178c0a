"""What is wrong with the network at the moment: a decision table, which a network carries out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    slow_hosts: Mapping[str, Slowness] = field(default_factory=dict)
    slow_links: Mapping[Link, Slowness] = field(default_factory=dict)

    def cut(self, host: str, other: str | None = None, *, one_way: bool = False) -> "NetworkFaults":
        """The host from everybody, or the link between two of them."""
        if other is None:
            return replace(self, cut_hosts=self.cut_hosts | {host})
        links = {(host, other)} if one_way else {(host, other), (other, host)}
        return replace(self, cut_links=self.cut_links | links)

    def slow(self, host: str, slowness: Slowness, other: str | None = None) -> "NetworkFaults":
        """The host's link with everybody, or that between two of them, both ways."""
        if other is None:
            return replace(self, slow_hosts={**self.slow_hosts, host: slowness})
        links = {(host, other): slowness, (other, host): slowness}
        return replace(self, slow_links={**self.slow_links, **links})

    def slowed_from(self, host: str) -> Mapping[str, Slowness]:
        """What it sends to whom is slow."""
        return {other: slowness for (one, other), slowness in self.slow_links.items() if one == host}

    def heal(self, host: str, other: str | None = None) -> "NetworkFaults":
        """The host with all its links, or the link between two in both ways."""
        return NetworkFaults(
            self.cut_hosts if other else self.cut_hosts - {host},
            frozenset(link for link in self.cut_links if not _is_healed(link, host, other)),
            self.slow_hosts if other else {one: how for one, how in self.slow_hosts.items() if one != host},
            {link: how for link, how in self.slow_links.items() if not _is_healed(link, host, other)},
        )

    def describe(self, host: str) -> str:
        """For the table; empty when nothing is wrong with it."""
        words = ["cut"] if host in self.cut_hosts else []
        words += ["slow"] if host in self.slow_hosts else []
        words += [f"slow to {other}" for other in sorted(self.slowed_from(host))]
        words += [f"does not reach {other}" for one, other in sorted(self.cut_links) if one == host]
        return ", ".join(words)


def _is_healed(link: Link, host: str, other: str | None) -> bool:
    return host in link and (other is None or other in link)
