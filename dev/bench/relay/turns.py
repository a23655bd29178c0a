"""Servers that are measured in turns, so that a change in the machine's load hits all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dev.bench.relay.websocket_client import ClientError, ClientLoop, ClientSocket
from dev.bench.results import Metrics, medians


@dataclass
class Turn:
    """One server with its open sockets. It drops out when it did not do its part in time."""

    name: str
    measure: Callable[[float], Metrics]
    sockets: Sequence[ClientSocket] = ()
    is_out: bool = False


def take_turns(turns: Sequence[Turn], clients: ClientLoop, rounds: int, size: float) -> dict[str, Metrics]:
    """Medians of the rounds, of those that went through all of them; of the others a sentence."""
    found: dict[str, list[Metrics]] = {turn.name: [] for turn in turns}
    for _ in range(rounds):
        for turn in turns:
            if turn.is_out:
                continue
            try:
                found[turn.name].append(turn.measure(size))
            except ClientError as exc:
                print(f"{exc}: left out", flush=True)
                turn.is_out = True
                clients.reset(turn.sockets)  # else what comes late would be counted as that of the next
    return {turn.name: medians(found[turn.name]) for turn in turns if not turn.is_out}
