"""Every bound of a connection, with its default; each has a setting, and docs/relay.md tells what happens beyond it."""

from dataclasses import dataclass
from typing import Self

from core.settings import Settings


@dataclass(frozen=True, kw_only=True)
class RelayLimits:
    """`sockets_` counts readers of any kind: WebSockets, SSE answers and long polls. Of one subject its source says how
    many."""

    message_in_max_bytes: int = 64 * 1024  # 1009 beyond
    # An event of 64 KiB with its number; events beyond are refused when they are appended. 1011 beyond.
    message_out_max_bytes: int = 65 * 1024
    messages_per_minute: int = 240  # frames with data from the client; 4429 beyond
    controls_per_minute: int = 240  # its pings, and pongs nobody asked for; 4429 beyond
    queue_max_bytes: int = 1024 * 1024  # events that wait for one reader; 3008 beyond
    sockets_per_address: int = 200  # 4429 beyond; offices and carriers share addresses
    sockets_per_person: int = 50  # 4429 beyond
    sockets_total: int = 10_000  # 1013 beyond, of one process
    admit_within_seconds: float = 10.0  # from the handshake to the greeting; 1013 beyond
    ping_every_seconds: float = 30.0
    pong_within_seconds: float = 10.0  # 3012 beyond
    write_within_seconds: float = 15.0  # cut off when the peer takes nothing for so long
    close_within_seconds: float = 5.0  # cut off when the peer does not answer our close
    check_every_seconds: float = 55.0  # is this reader still allowed; at most 60 by the promise
    idle_seconds: float = 3600.0  # 3009 when nothing but pings went either way
    drain_spread_seconds: float = 10.0  # clients come back spread over so long
    sse_comment_seconds: float = 20.0  # keeps proxies awake and notices readers that left
    poll_max_seconds: float = 25.0  # a long poll answers by then

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            message_in_max_bytes=settings.relay_message_in_max_bytes,
            message_out_max_bytes=settings.relay_message_out_max_bytes,
            messages_per_minute=settings.relay_messages_per_minute,
            controls_per_minute=settings.relay_controls_per_minute,
            queue_max_bytes=settings.relay_queue_max_bytes,
            sockets_per_address=settings.sockets_per_address,
            sockets_per_person=settings.sockets_per_person,
            sockets_total=settings.sockets_total,
            admit_within_seconds=settings.relay_admit_within_seconds,
            ping_every_seconds=settings.relay_ping_every_seconds,
            pong_within_seconds=settings.relay_pong_within_seconds,
            write_within_seconds=settings.relay_write_within_seconds,
            close_within_seconds=settings.relay_close_within_seconds,
            check_every_seconds=settings.relay_check_every_seconds,
            idle_seconds=settings.relay_idle_seconds,
            drain_spread_seconds=settings.relay_drain_spread_seconds,
            sse_comment_seconds=settings.relay_sse_comment_seconds,
            poll_max_seconds=settings.relay_poll_max_seconds,
        )
