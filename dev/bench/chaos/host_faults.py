"""What befalls hosts and their network: cut off, killed, with their disk too, links lost or slow, clocks apart."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from dev.bench.chaos.faults import Harm, Injection, Injector, KillMoment
from dev.bench.chaos.host_cluster import HostCluster
from dev.bench.chaos.host_fault_kinds import HostFaultKind as Kind
from dev.bench.chaos.promotion import Promotion
from dev.bench.chaos.schedule import Schedule
from dev.bench.chaos.workload import AnyWorkload
from dev.hosts.faults import Slowness
from dev.hosts.topology import PRODUCT_ROLES, Host, HostRole
from dev.local.errors import LocalError, StartFailedError
from dev.local.run import tell

_OUTAGE_SECONDS = (4.0, 15.0)
_PRIMARY_CUT_SECONDS = (2.0, 8.0)
_LINK_SECONDS = (2.0, 15.0)
_CLOCK_SECONDS = (5.0, 20.0)
_APART_SECONDS = (2.0, 60.0)
# An operator notices that nothing can be written, and goes on without the standby.
_NOTICED_SECONDS, _STANDBY_SECONDS = 3.0, (7.0, 18.0)
# A host of the product is whole once PostgreSQL answers, whose standby may be promoted after a minute only.
_HEAL_AGAIN_SECONDS, _WITHIN_SECONDS = 1.0, 240.0
_LOOK_SECONDS = 0.5
_PREFER_BUSY = 0.85
_STORES = (HostRole.POSTGRES, HostRole.VALKEY, HostRole.RABBITMQ, HostRole.OBJECTS)
# Answers come over these.
_BEARS_ANSWERS = frozenset({HostRole.PROVIDERS, HostRole.OBJECTS})


@dataclass(frozen=True)
class Outage:
    """What happens to a host of a role. `harm` None: it holds nobody's work. `with_disk`: it comes back empty."""

    role: HostRole
    harm: Harm | None = None
    is_kill: bool = False
    with_disk: bool = False
    bounds: tuple[float, float] = _OUTAGE_SECONDS


_OUTAGES = {
    Kind.WORKER_KILLED: Outage(HostRole.WORKER, Harm.KILLED, is_kill=True, with_disk=True),
    Kind.WORKER_CUT: Outage(HostRole.WORKER, Harm.CUT_OFF),
    Kind.WEB_KILLED: Outage(HostRole.WEB, is_kill=True),
    Kind.WEB_CUT: Outage(HostRole.WEB),
    Kind.VALKEY_KILLED: Outage(HostRole.VALKEY, is_kill=True),
    Kind.VALKEY_LOST: Outage(HostRole.VALKEY, is_kill=True, with_disk=True),
    Kind.VALKEY_CUT: Outage(HostRole.VALKEY),
    Kind.RABBITMQ_KILLED: Outage(HostRole.RABBITMQ, is_kill=True),
    Kind.RABBITMQ_LOST: Outage(HostRole.RABBITMQ, is_kill=True, with_disk=True),
    Kind.RABBITMQ_CUT: Outage(HostRole.RABBITMQ),
    Kind.OBJECTS_LOST: Outage(HostRole.OBJECTS, is_kill=True, with_disk=True),
    Kind.OBJECTS_CUT: Outage(HostRole.OBJECTS),
}
_WEIGHTS = {Kind.WORKER_KILLED: 6, Kind.WORKER_CUT: 6, Kind.LINK_CUT: 6, Kind.LINK_CUT_ONE_WAY: 6, Kind.LINK_SLOW: 4}
_WEIGHT = 2


@dataclass
class Healing:
    """How a fault's cause is removed, and when nothing of it is left; `began_at` is monotonic, and 0 before."""

    injection: Injection
    heal: Callable[[], object]
    is_whole: Callable[[], bool]
    roles: Sequence[HostRole]
    began_at: float = 0.0

    @property
    def lasts_too_long(self) -> bool:
        return time.monotonic() > self.began_at + _WITHIN_SECONDS


class HostFaults(Schedule):
    """One host of a role at most is harmed at a time, so that the others can take over; roles are harmed beside each
    other. A link harms the roles of both its ends."""

    def __init__(self, cluster: HostCluster, workload: AnyWorkload, rng: random.Random) -> None:
        super().__init__()
        self._cluster, self._centre, self._workload, self._rng = cluster, cluster.centre, workload, rng
        self._topology = self._centre.network.topology
        self._affected: set[HostRole] = set()
        self._look_at = 0.0
        self._links = list_links(self._topology.hosts)
        self._promotion = Promotion(cluster, self)

    def all(self) -> dict[str, Injector]:
        has_links = not self._centre.network.freezes_cut_hosts
        injectors: dict[str, Callable[[str], Injection | None]] = {
            kind: partial(self._take_away, outage=outage) for kind, outage in _OUTAGES.items() if self._of(outage.role)
        }
        injectors[Kind.STANDBY_LOST] = self._lose_standby
        injectors[Kind.PRIMARY_CUT] = self._cut_primary
        if self._workload.follows_new_epochs:
            injectors[Kind.PRIMARY_REPLACED] = self._replace_primary
        if has_links:
            injectors[Kind.LINK_CUT] = partial(self._harm_link, cut=self._cut_link)
            injectors[Kind.LINK_CUT_ONE_WAY] = partial(self._harm_link, cut=self._cut_one_way)
            injectors[Kind.LINK_SLOW] = partial(self._harm_link, cut=self._slow_link)
        if self._cluster.clocks is not None:
            injectors[Kind.CLOCK_SET] = self._set_clock
        return {kind: Injector(_WEIGHTS.get(Kind(kind), _WEIGHT), inject) for kind, inject in injectors.items()}

    def at_moment(self, moment: KillMoment) -> Injector:
        """The worker host that stands at it."""

        def kill(kind: str) -> Injection | None:
            at_moment = moment.find_pids()
            hosts = [host for host in self._of(HostRole.WORKER) if self._cluster.pids_of(host) & at_moment]
            if not hosts or HostRole.WORKER in self._affected:
                return None
            return self._take_host(kind, _OUTAGES[Kind.WORKER_KILLED], self._rng.choice(hosts))

        return Injector(moment.weight, kill, moment.aim_seconds)

    def supervise(self) -> Sequence[str]:
        """Some times a second: each look asks the kernel about all processes of all hosts."""
        if time.monotonic() < self._look_at:
            return ()
        self._look_at = time.monotonic() + _LOOK_SECONDS
        return self._centre.tend()

    # Hosts

    def _take_away(self, kind: str, outage: Outage) -> Injection | None:
        if outage.role in self._affected:
            return None
        return self._take_host(kind, outage, self._choose(outage.role))

    def _take_host(self, kind: str, outage: Outage, host: Host) -> Injection:
        injection = self._begin(kind, host.name, outage.role)
        if outage.harm is not None:
            injection.pids, injection.harm = self._cluster.pids_of(host), outage.harm
        injection.lost_files = outage.role is HostRole.OBJECTS and outage.with_disk
        (self._centre.kill if outage.is_kill else self._centre.cut)(host.name)
        if outage.with_disk:
            self._centre.wipe(host.name)
        if outage.role in PRODUCT_ROLES:
            # Waiting for it would keep others from coming back, without whom it may never answer.
            heal, is_whole = partial(self._centre.switch_on, host.name), partial(self._centre.answers, host.name)
            self._end_later(injection, outage.bounds, heal, outage.role, is_whole=is_whole)
        else:
            self._end_later(injection, outage.bounds, partial(self._centre.heal, host.name), outage.role)
        return injection

    def _choose(self, role: HostRole) -> Host:
        """Mostly one that holds work, so that there is something to lose."""
        hosts = self._of(role)
        at_work = self._workload.pids_at_work() if role is HostRole.WORKER else set()
        busy = [host for host in hosts if self._cluster.pids_of(host) & at_work]
        return self._rng.choice(busy if busy and self._rng.random() < _PREFER_BUSY else hosts)

    # PostgreSQL

    def _lose_standby(self, kind: str) -> Injection | None:
        """Commits wait until somebody goes on without it, and are synchronous again once it is made anew."""
        name = self._find_standby()
        if name is None:
            return None
        injection = self._begin(kind, name, HostRole.POSTGRES)
        self._centre.kill(name)
        self._centre.wipe(name)
        self.after(_NOTICED_SECONDS, self._cluster.commit_alone)
        self._end_later(
            injection,
            _STANDBY_SECONDS,
            partial(self._centre.heal, name),
            HostRole.POSTGRES,
            is_whole=self._cluster.commit_synchronously,
        )
        return injection

    def _cut_primary(self, kind: str) -> Injection | None:
        """Nobody is promoted: it comes back."""
        standby = self._find_standby()
        if standby is None:
            return None
        name = self._other_postgres(standby)
        injection = self._begin(kind, name, HostRole.POSTGRES)
        self._centre.cut(name)
        heal = partial(self._centre.heal, name)
        self._end_later(injection, _PRIMARY_CUT_SECONDS, heal, HostRole.POSTGRES)
        return injection

    def _replace_primary(self, kind: str) -> Injection | None:
        standby = self._find_standby()
        if standby is None:
            return None
        name = self._other_postgres(standby)
        injection = self._begin(kind, name, HostRole.POSTGRES)
        injection.began_epoch = True
        self._centre.kill(name)
        end_later = partial(
            self._end_later,
            injection,
            _OUTAGE_SECONDS,
            partial(self._centre.heal, name),
            HostRole.POSTGRES,
            is_whole=self._cluster.commit_synchronously,
        )
        self._promotion.promote(end_later)
        return injection

    def _find_standby(self) -> str | None:
        """The host of a standby that has everything; None while there is none, or one of the two is harmed."""
        is_able = HostRole.POSTGRES not in self._affected and self._cluster.is_followed()
        return self._centre.stores.find_standby() if is_able else None

    def _other_postgres(self, name: str) -> str:
        return next(host.name for host in self._of(HostRole.POSTGRES) if host.name != name)

    # Links

    def _harm_link(self, kind: str, cut: Callable[[str, str], str]) -> Injection | None:
        able = [pair for pair in self._links if not self._affected & {host.role for host in pair}]
        if not able:
            return None
        pair = self._rng.choice(able)
        one, other = self._rng.sample(pair, 2)
        roles = [host.role for host in pair]
        injection = self._begin(kind, f"{one.name} - {other.name}", *roles)
        workers = [host for host in pair if host.role is HostRole.WORKER]
        if workers and _BEARS_ANSWERS & set(roles):
            injection.pids, injection.harm = self._cluster.pids_of(workers[0]), Harm.HINDERED
        cut(one.name, other.name)
        self._end_later(injection, _LINK_SECONDS, partial(self._centre.heal, one.name, other.name), *roles)
        return injection

    def _cut_link(self, one: str, other: str) -> str:
        return self._centre.cut(one, other)

    def _cut_one_way(self, one: str, other: str) -> str:
        return self._centre.cut(one, other, one_way=True)

    def _slow_link(self, one: str, other: str) -> str:
        return self._centre.slow(one, Slowness(), other)

    # Clocks

    def _set_clock(self, kind: str) -> Injection | None:
        clocks = self._cluster.clocks
        roles = [role for role in (HostRole.WORKER, HostRole.WEB) if role not in self._affected]
        if clocks is None or not roles:
            return None
        role = self._rng.choice(roles)
        host = self._rng.choice(self._of(role))
        injection = self._begin(kind, host.name, role)
        clocks.set(host.name, self._rng.choice((-1, 1)) * self._rng.uniform(*_APART_SECONDS))
        self._end_later(injection, _CLOCK_SECONDS, partial(clocks.set, host.name, 0), role)
        return injection

    # Beginning and ending

    def _begin(self, kind: str, target: str, *roles: HostRole) -> Injection:
        self._affected.update(roles)
        tell(f"{kind}: {target}")
        probe = self._workload.probe()
        return Injection(kind, time.time(), target, probe=probe, is_missed_at_once=True)

    def _end_later(
        self,
        injection: Injection,
        bounds: tuple[float, float],
        heal: Callable[[], object],
        *roles: HostRole,
        is_whole: Callable[[], bool] = lambda: True,
    ) -> None:
        healing = Healing(injection, heal, is_whole, roles)
        self.after(self._rng.uniform(*bounds), partial(self._heal, healing))

    def _heal(self, healing: Healing) -> None:
        """Other faults go on until it is whole. Raises LocalError when it is not for good."""
        injection = healing.injection
        healing.began_at = healing.began_at or time.monotonic()
        try:
            healing.heal()
        except LocalError as exc:
            if healing.lasts_too_long:
                raise
            tell(f"{injection.target} is not healed yet: {exc}")
            self.after(_HEAL_AGAIN_SECONDS, partial(self._heal, healing))
        else:
            self._end(healing)

    def _end(self, healing: Healing) -> None:
        injection = healing.injection
        if not healing.is_whole():
            if healing.lasts_too_long:
                raise StartFailedError(f"{injection.target} is not whole within {_WITHIN_SECONDS:.0f} s")
            self.after(_HEAL_AGAIN_SECONDS, partial(self._end, healing))
            return
        injection.heal_seconds = time.monotonic() - healing.began_at
        injection.over_at = time.time()
        self._affected.difference_update(healing.roles)
        tell(f"{injection.kind}: {injection.target} is healed")

    def _of(self, role: HostRole) -> tuple[Host, ...]:
        return self._topology.of(role)


def list_links(hosts: Sequence[Host]) -> list[tuple[Host, Host]]:
    """Over which the product works: not those between RabbitMQ's nodes, which do not find together by themselves."""
    joined = {
        *(frozenset({role, store}) for role in (HostRole.WORKER, HostRole.WEB) for store in _STORES),
        frozenset({HostRole.WORKER, HostRole.PROVIDERS}),
        frozenset({HostRole.PROXY, HostRole.WEB}),
        frozenset({HostRole.POSTGRES}),
        frozenset({HostRole.VALKEY}),
    }
    return [
        (one, other)
        for number, one in enumerate(hosts)
        for other in hosts[number + 1 :]
        if frozenset({one.role, other.role}) in joined
    ]
