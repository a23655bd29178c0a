"""RabbitMQ for the tests, where Debian's is installed; elsewhere its tests are skipped, loudly."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dev.local.ports import pick_port
from dev.local.rabbitmq import NO_RABBITMQ, RabbitMQ, RabbitMQAddress, find_rabbitmq, make_epmd, make_node

_LOGIN = "welno:only-on-loopback"


def require_rabbitmq() -> None:
    """CI fails where there is none."""
    if find_rabbitmq() is not None:
        return
    if os.environ.get("CI"):
        pytest.fail(NO_RABBITMQ)
    pytest.skip(NO_RABBITMQ)


@contextmanager
def run_rabbitmq() -> Iterator[RabbitMQ]:
    """One node."""
    with run_cluster(1) as nodes:
        yield nodes[0]


@contextmanager
def run_cluster(size: int) -> Iterator[list[RabbitMQ]]:
    """On loopback, with an epmd, node names and folders of their own."""
    require_rabbitmq()
    with tempfile.TemporaryDirectory(prefix="welno-test-") as name, ExitStack() as stack:
        folder, epmd_port, cookie = Path(name), pick_port(), secrets.token_hex(16)
        addresses = [RabbitMQAddress(pick_port(), pick_port(), pick_port(), epmd_port) for _ in range(size)]
        epmd = make_epmd(folder, addresses[0])
        stack.callback(epmd.kill)
        epmd.start()
        nodes = [
            make_node(folder / str(address.port), address, addresses, login=_LOGIN, cookie=cookie)
            for address in addresses
        ]
        for node in nodes:
            stack.callback(node.process.kill)
            # One after another: each joins the first.
            node.process.start()
            node.wait_ready()
        yield nodes
