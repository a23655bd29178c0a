"""One host while it runs: its services are started on it, killed, frozen, and brought back when one of them dies."""

import signal
import time
from collections.abc import Callable, Collection, Sequence

from dev.hosts.network import Network
from dev.hosts.service import Service
from dev.hosts.topology import Host
from dev.local.errors import LocalError
from dev.local.process import Process
from dev.local.restarts import Restarts


class Machine:
    """Use it from the thread that made the network: the kernel ends the processes when that one ends."""

    def __init__(self, host: Host, services: Sequence[Service], network: Network) -> None:
        self.host, self._services, self._network = host, list(services), network
        self._restarts = {service.name: Restarts() for service in services}
        self.is_on = False

    @property
    def is_whole(self) -> bool:
        """Whether it is on, and all its services run."""
        return self.is_on and all(service.process().is_running for service in self._services)

    def add(self, services: Sequence[Service]) -> None:
        """`start` starts them."""
        self._services += services
        self._restarts |= {service.name: Restarts() for service in services}

    def give_up(self, names: Collection[str]) -> list[Process]:
        """Services that are not brought back any more: their processes, to be stopped."""
        left = [service for service in self._services if service.name in names]
        self._services = [service for service in self._services if service.name not in names]
        return [service.process() for service in left]

    def start(self) -> None:
        """What does not run. Raises LocalError. What needs others may not answer yet: see `wait`."""
        self.is_on = True
        with self._network.entered(self.host):
            for service in self._services:
                if not service.process().is_running:
                    service.start()
                    self._restarts[service.name].note_start(time.monotonic())

    def wait(self) -> None:
        """Until everything answers. Raises LocalError."""
        with self._network.entered(self.host):
            for service in self._services:
                service.wait()

    def answers(self) -> bool:
        """Whether everything runs and answers, without waiting for it."""
        if not self.is_whole:
            return False
        with self._network.entered(self.host):
            return all(service.answers() for service in self._services)

    def kill(self) -> None:
        """As with its power cut: nothing is tidied up, and nothing comes back by itself."""
        self.is_on = False
        for service in reversed(self._services):
            service.process().kill()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def describe(self) -> str:
        """What runs, for the table."""
        return ", ".join(self._describe(service) for service in self._services)

    def pids(self) -> frozenset[int]:
        """Of its services that run, without their children."""
        processes = (service.process() for service in self._services)
        return frozenset(process.pid for process in processes if process.is_running and process.pid is not None)

    def tend(self, tell: Callable[[str], None]) -> list[str]:
        """Bring back what has died, as an init system does. Gives the services that were found dead just now."""
        died: list[str] = []
        if not self.is_on:
            return died
        now = time.monotonic()
        for service in self._services:
            restarts = self._restarts[service.name]
            if restarts.is_due(now):
                self._bring_back(service, tell)
            elif restarts.due_at is None and not service.process().is_running:
                delay = restarts.note_death(now)
                ended = f"{self.host.name}: {service.name} ended ({service.process().exit_code})"
                tell(f"{ended}; starting it again in {delay:g} s")
                died.append(service.name)
        return died

    def _bring_back(self, service: Service, tell: Callable[[str], None]) -> None:
        restarts = self._restarts[service.name]
        try:
            with self._network.entered(self.host):
                service.start()
            restarts.note_start(time.monotonic())
        except LocalError as exc:
            restarts.note_death(time.monotonic())
            tell(f"{self.host.name}: {service.name} does not start: {exc}")

    def _describe(self, service: Service) -> str:
        process = service.process()
        if process.is_running:
            return service.name
        return f"{service.name} (ended)" if process.pid else f"{service.name} (not started)"

    def _signal(self, what: signal.Signals) -> None:
        for service in self._services:
            service.process().send_to_group(what)
