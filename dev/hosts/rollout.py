"""A release beside that of the hosts' first start: green is started, is asked instead of blue, and blue is stopped."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dev.hosts.errors import HostsError
from dev.hosts.haproxy import HaproxyAdmin
from dev.hosts.machine import Machine
from dev.hosts.product import Release, make_green
from dev.hosts.service import Service
from dev.hosts.topology import Host, HostRole
from dev.local.stack import stop_together

# Of a worker or poller with a call under way that may be paid for, as docs/operations.md has it.
_STOP_SECONDS = 320.0
_UP_SECONDS, _AGAIN_SECONDS = 30.0, 0.2
# It has one port, so that the second one is started when the first has gone.
_ALONE = "flower"
MakeServices = Callable[[Host, Sequence[str], Release], list[Service]]


class Rollout:
    """Once in the life of the hosts, in this order. All raise HostsError out of it."""

    def __init__(self, machines: Sequence[Machine], make_services: MakeServices, haproxy: HaproxyAdmin) -> None:
        self._machines, self._make_services, self._haproxy = machines, make_services, haproxy
        self._green: Release | None = None
        self._is_switched = False

    def start(self, code: Path) -> str:
        """Green processes on all hosts of the product, from that folder. Returns when they answer; nobody asks them
        yet, but workers, pollers and sweepers of both share what there is to do."""
        if self._green is not None:
            raise HostsError("a second release is there already")
        if away := [machine.host.name for machine in self._machines if not machine.is_on]:
            raise HostsError(f"first heal {', '.join(away)}")
        if not (code / "webapp").is_dir():
            raise HostsError(f"{code} holds no release")
        self._green = make_green(code.resolve())
        for machine in self._machines:
            names = [name for name in machine.host.services if name != _ALONE]
            machine.add(self._make_services(machine.host, names, self._green))
            machine.start()
        for machine in self._machines:
            machine.wait()
        return f"green: {code} runs beside blue"

    def switch(self) -> str:
        """New requests and sockets go to green; those of blue that are open stay."""
        if self._green is None:
            raise HostsError("there is no second release; start it with: green FOLDER")
        web = [machine.host.name for machine in self._machines if machine.host.role is HostRole.WEB]
        for name in web:
            self._haproxy.set_state(f"{name}-green", "ready")
        self._wait_up([f"{name}-green" for name in web])
        for name in web:
            self._haproxy.set_state(name, "drain")
        self._is_switched = True
        return f"haproxy asks {', '.join(f'{name}-green' for name in web)}"

    def retire(self) -> str:
        """Blue is told to stop, and ends in good order: its sockets are told to come back, its calls are let end."""
        if self._green is None or not self._is_switched:
            raise HostsError("blue is still asked; first: switch")
        blue = [process for machine in self._machines for process in machine.give_up(machine.host.services)]
        began = time.monotonic()
        stop_together(blue, _STOP_SECONDS)
        for machine in self._machines:
            names = [name for name in machine.host.services if name == _ALONE]
            machine.add(self._make_services(machine.host, names, self._green))
            machine.start()
        ended = [f"{process.name} ended with {process.exit_code}" for process in blue if process.exit_code]
        return "; ".join([f"blue is gone after {time.monotonic() - began:.0f} s", *ended])

    def _wait_up(self, servers: Sequence[str]) -> None:
        deadline = time.monotonic() + _UP_SECONDS
        while not all(map(self._haproxy.is_up, servers)):
            if time.monotonic() > deadline:
                raise HostsError("haproxy finds that green does not answer")
            time.sleep(_AGAIN_SECONDS)
