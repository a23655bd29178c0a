"""Servers take turns, and one that fails ends neither the run nor the others."""

import pytest

from dev.bench.relay.turns import Turn, take_turns
from dev.bench.relay.websocket_client import ClientError, ClientLoop


def test_each_round_measures_everybody_and_medians_are_told():
    order: list[str] = []
    values = iter([3.0, 10.0, 1.0, 30.0, 2.0, 20.0])

    def measure(name: str) -> dict[str, float]:
        order.append(name)
        return {"seconds": next(values)}

    turns = [Turn("a", lambda _: measure("a")), Turn("b", lambda _: measure("b"))]
    assert take_turns(turns, ClientLoop(), 3, 1) == {"a": {"seconds": 2}, "b": {"seconds": 20}}
    assert order == ["a", "b"] * 3


def test_a_server_that_fails_drops_out_and_is_named(capsys: pytest.CaptureFixture[str]):
    def fail(_: float) -> dict[str, float]:
        raise ClientError("b: 3 events did not arrive")

    turns = [Turn("a", lambda size: {"size": size}), Turn("b", fail)]
    clients = ClientLoop()
    assert take_turns(turns, clients, 2, 5) == {"a": {"size": 5}}
    assert take_turns(turns, clients, 1, 7) == {"a": {"size": 7}}
    assert capsys.readouterr().out.count("b: 3 events did not arrive: left out") == 1
