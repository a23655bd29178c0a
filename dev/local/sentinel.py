"""One of the Sentinels that watch a Valkey: its own binary in another part."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.valkey import EmbeddedValkey, find_binary

# A group's failover takes this long, an election of up to a second, and its promotion.
DOWN_AFTER_MS = 1000
NAME = "records"
_QUORUM = 2
_START_SECONDS = 20


def sentinel_url(addresses: Sequence[tuple[str, int]], password: str) -> str:
    """That of their group, with one password for all servers."""
    first, *others = [f"{host}:{port}" for host, port in addresses]
    links = [f"sentinel://:{password}@{first}/0", *(f"sentinel://{other}" for other in others)]
    return ";".join(links) + f"?master_name={NAME}&sentinel_password={password}"


class Sentinel:
    """`folder` holds what it has learned; `port` None takes a free one."""

    def __init__(self, folder: Path, password: str, host: str = LOOPBACK, port: int | None = None) -> None:
        self.host, self.port = host, port or pick_port()
        self._folder, self._password = folder, password
        self._config = folder / "sentinel.conf"
        self.process = Process(
            "sentinel", [str(find_binary()), str(self._config), "--sentinel"], folder / "sentinel.log"
        )
        self.admin = redis.Redis(host, self.port, password=password, decode_responses=True, socket_timeout=5)

    @property
    def knows_its_group(self) -> bool:
        return self._config.exists()

    def start(self, primary: EmbeddedValkey, down_after_ms: int = DOWN_AFTER_MS) -> None:
        """Knowing nothing but this primary, also when it was started before: as from an old copy of its file."""
        self.forget_all_but((primary.host, primary.port), down_after_ms)
        self.resume()

    def forget_all_but(self, primary: tuple[str, int], down_after_ms: int = DOWN_AFTER_MS) -> None:
        """Written down for the next start."""
        host, port = primary
        self._folder.mkdir(exist_ok=True)
        lines = [
            f"port {self.port}",
            f"bind {self.host}",
            f'dir "{self._folder}"',
            f"requirepass {self._password}",
            f"sentinel announce-ip {self.host}",
            f"sentinel sentinel-pass {self._password}",
            f"sentinel monitor {NAME} {host} {port} {_QUORUM}",
            f"sentinel auth-pass {NAME} {self._password}",
            f"sentinel down-after-milliseconds {NAME} {down_after_ms}",
            f"sentinel failover-timeout {NAME} 20000",
        ]
        self._config.touch(mode=0o600)
        self._config.write_text("\n".join(lines) + "\n")

    def resume(self) -> None:
        """With what it knew when it ended. Raises StartFailedError."""
        self.process.start()
        self.process.wait_until(lambda: self.state() is not None, _START_SECONDS)

    def state(self) -> dict[str, object] | None:
        with suppress(redis.RedisError):
            state: Any = self.admin.sentinel_master(NAME)
            return dict(state)
        return None

    def names(self) -> int | None:
        """The port of the primary, as far as it knows."""
        state = self.state()
        return None if state is None else int(str(state["port"]))
