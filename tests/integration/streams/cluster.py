"""A Redis cluster of two nodes: every key of a step must lie in one slot, or Redis refuses the step."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.valkey import find_binary
from tests.waiting import wait_until

_SLOTS = 16_384


@contextmanager
def two_nodes(home: Path) -> Iterator[str]:
    """The URL of one of them."""
    with ExitStack() as stack:
        ports = [_start(stack, home / str(number)) for number in range(2)]
        nodes = [stack.enter_context(redis.Redis(port=port)) for port, _ in ports]
        for number, node in enumerate(nodes):
            first = number * _SLOTS // 2
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", first, first + _SLOTS // 2 - 1)
        nodes[0].execute_command("CLUSTER", "MEET", LOOPBACK, *ports[1])
        wait_until(lambda: all(_is_whole(node) for node in nodes), 30)
        yield f"redis://{LOOPBACK}:{ports[0][0]}"


def _is_whole(node: redis.Redis) -> bool:
    info = node.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:2" in info


def _start(stack: ExitStack, folder: Path) -> tuple[int, int]:
    """Its port, and the one on which nodes speak with each other."""
    folder.mkdir(parents=True)
    port, bus = pick_port(), pick_port()
    options = {
        "port": port, "bind": LOOPBACK, "dir": folder, "save": "", "appendonly": "no",
        "cluster-enabled": "yes", "cluster-port": bus, "cluster-require-full-coverage": "yes",
    }  # fmt: skip
    command = [str(find_binary()), *(str(part) for name, value in options.items() for part in (f"--{name}", value))]
    process = Process(f"node-{port}", command, folder / "node.log")
    process.start()
    stack.callback(process.stop, 5)
    with redis.Redis(port=port) as client:
        wait_until(lambda: _answers(client), 20)
    return port, bus


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
