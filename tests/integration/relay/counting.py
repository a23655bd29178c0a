"""How many sockets, long polls and channels a relay has, also before it has started."""

from webapp.relay.hub import Hub
from webapp.relay.relay import Relay


def count_sockets(relay: Relay) -> int:
    return len(relay._pool.sockets) if relay._pid else 0


def count_polls(relay: Relay) -> int:
    """That wait for an event: what came before has been read."""
    return len(relay._pool.polls) if relay._pid else 0


def count_channels(hub: Hub) -> int:
    return len(hub._channels) if hub._pid else 0
