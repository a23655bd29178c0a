"""Every bound of a connection, with its default."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    message_in_max_bytes: int = 64 * 1024  # 1009 beyond
    messages_per_minute: int = 240  # frames of any kind from the client; 4429 beyond
    queue_max_bytes: int = 1024 * 1024  # events that wait for one reader; 3008 beyond
    sockets_per_subject: int = 20  # 4429 beyond
    sockets_per_address: int = 500  # 4429 beyond; offices and carriers share addresses
    sockets_per_person: int = 50  # 4429 beyond
    sockets_total: int = 20_000  # 1013 beyond, of one process
    ping_every_seconds: float = 25.0
    pong_within_seconds: float = 10.0  # 3012 beyond
    write_within_seconds: float = 15.0  # cut off when the peer takes nothing for so long
    close_within_seconds: float = 5.0  # cut off when the peer does not answer our close
    check_every_seconds: float = 45.0  # is this reader still allowed; at most 60 by the promise
    idle_seconds: float = 3600.0  # 3009 when nothing but pings went either way
    drain_spread_seconds: float = 10.0  # clients come back spread over so long
    sse_comment_seconds: float = 20.0  # keeps proxies awake and notices readers that left
    poll_max_seconds: float = 25.0  # a long poll answers by then
